// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMModel

/// What waits for one watcher: a bounded number of events, and how many more there would have been.
final class EventMailbox: Sendable {
    /// Events that wait for a watcher that is slow.
    static let capacity = 1024

    private struct Content {
        var events: [WatchEvent] = []
        var lost: UInt64 = 0
        /// Something happened that the watcher looks up itself.
        var isPoked = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    let id: UInt64
    let principal: ObjectName
    private let interface: InterfaceName?
    private let kinds: Set<WatchKind>
    private let content = Mutex(Content())

    init(id: UInt64, principal: ObjectName, interface: InterfaceName?, kinds: Set<WatchKind>) {
        self.id = id
        self.principal = principal
        self.interface = interface
        self.kinds = kinds
    }

    func wants(_ kind: WatchKind, of name: InterfaceName) -> Bool {
        kinds.contains(kind) && (interface ?? name) == name
    }

    var watchesStates: Bool { kinds.contains(.state) }

    /// Drops the event, and counts it, when the watcher has not taken the ones before.
    func post(_ event: WatchEvent) {
        let waiter = content.withLock { content in
            if content.lost == 0, content.events.count < Self.capacity {
                content.events.append(event)
            } else {
                content.lost += 1
            }
            return Self.takeWaiter(&content)
        }
        waiter?.resume()
    }

    func poke() {
        let waiter = content.withLock { content in
            content.isPoked = true
            return Self.takeWaiter(&content)
        }
        waiter?.resume()
    }

    private static func takeWaiter(_ content: inout Content) -> CheckedContinuation<Void, Never>? {
        defer { content.waiter = nil }
        return content.waiter
    }

    /// Everything that waits, with what was lost at its end.
    func take() -> [WatchEvent] {
        content.withLock { content in
            var events = content.events
            if content.lost > 0 { events.append(.lost(content.lost)) }
            content.events = []
            content.lost = 0
            return events
        }
    }

    /// Returns when something waits, at the next poke, or when the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = content.withLock { content in
                    guard content.events.isEmpty, !content.isPoked, !Task.isCancelled else {
                        content.isPoked = false
                        return true
                    }
                    content.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            poke()
        }
        content.withLock { $0.isPoked = false }
    }
}
