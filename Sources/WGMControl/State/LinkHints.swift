// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import WGMModel

/// Interfaces that somebody else changed in the kernel, until they are looked at; the daemon puts in what the keeper hears.
///
/// However many hints come, they are one set.
package final class LinkHints: Sendable {
    private let pending = Mutex(ChangedLinks())
    /// Yields when there may be something to take.
    let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    package init() { (bell, ringer) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1)) }

    package func add(_ changed: ChangedLinks) {
        pending.withLock { $0.formUnion(changed) }
        ringer.yield()
    }

    func take() -> ChangedLinks {
        pending.withLock { pending in
            defer { pending = ChangedLinks() }
            return pending
        }
    }
}

/// How soon a hint is followed: at once, while there are few; once a second when somebody undoes each repair at once.
struct HintPace {
    /// Changes that come together are looked at together.
    static let together: Duration = .milliseconds(30)
    /// Looks that may follow each other without a pause, when there was none for as many seconds.
    static let burst = 10
    private var spent: Double = 0
    private var last: ContinuousClock.Instant?

    /// How long to wait before the look that is now due.
    mutating func pause(at now: ContinuousClock.Instant) -> Duration {
        if let last { spent = max(0, spent - (now - last) / .seconds(1)) }
        last = now
        spent += 1
        return spent <= Double(Self.burst) ? Self.together : .seconds(1)
    }
}
