// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc

/// Runs an actor's jobs one at a time on a thread of its own, so that a blocking call holds up that actor alone and never
/// Swift's shared thread pool.
package final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String) { queue = DispatchQueue(label: label) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Runs `body`, on the same thread as the jobs and never during one, while there is something to read.
    ///
    /// Takes over the descriptor, and closes it when the result is released.
    func whenReadable(_ descriptor: Int32, _ body: @escaping @Sendable () -> Void) -> Listening {
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler(handler: body)
        source.setCancelHandler { close(descriptor) }
        source.activate()
        return Listening(source)
    }

    package func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}

/// Listens on a descriptor as long as it lives.
final class Listening {
    private let source: any DispatchSourceRead

    fileprivate init(_ source: any DispatchSourceRead) { self.source = source }

    deinit { source.cancel() }
}
