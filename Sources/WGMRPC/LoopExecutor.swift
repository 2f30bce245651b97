// SPDX-License-Identifier: Apache-2.0
internal import NIOCore

/// Runs tasks on the event loop of their connection, which spares two changes of thread for each call.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
