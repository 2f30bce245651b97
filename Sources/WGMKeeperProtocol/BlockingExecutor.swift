// SPDX-License-Identifier: Apache-2.0

internal import Dispatch

/// Runs an actor's jobs one at a time on a thread of its own, so that a blocking call holds up that actor alone and never
/// Swift's shared thread pool.
package final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String) { queue = DispatchQueue(label: label) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    package func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
