// SPDX-License-Identifier: Apache-2.0
internal import NIOCore

/// Connections whose output leaves when all that one turn of the event loop found readable has been read.
///
/// Each write may wake a caller. A process with many connections, woken by the first of many replies, would answer and sleep again
/// before the second is written, and waking it costs more than the call; this way it finds the next reply before it sleeps.
final class FlushQueue<Host: CallHost> {
    private let loop: any EventLoop
    private var waiting: [ConnectionHandler<Host>] = []
    /// Connections on this event loop.
    var members = 0

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Once for each turn and connection; one that is alone has nobody to wait for.
    func add(_ handler: ConnectionHandler<Host>) {
        guard members > 1 else { return handler.flush() }
        waiting.append(handler)
        guard waiting.count == 1 else { return }
        let queue = NIOLoopBound(self, eventLoop: loop)
        loop.execute { queue.value.run() }
    }

    private func run() {
        // What is flushed may end a connection, but brings none here.
        let handlers = waiting
        waiting.removeAll(keepingCapacity: true)
        for handler in handlers { handler.flush() }
    }
}
