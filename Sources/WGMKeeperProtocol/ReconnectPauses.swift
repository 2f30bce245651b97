// SPDX-License-Identifier: Apache-2.0

/// When to try a connection again: soon at first, then less and less often.
struct ReconnectPauses {
    static let shortest = Duration.milliseconds(50)
    static let longest = Duration.seconds(5)
    private var pause = Self.shortest
    private var end: ContinuousClock.Instant?

    func isOver(at now: ContinuousClock.Instant) -> Bool { end.map { now >= $0 } ?? true }

    mutating func failed(at now: ContinuousClock.Instant) {
        end = now + pause
        pause = min(pause * 2, Self.longest)
    }

    mutating func succeeded() { self = ReconnectPauses() }
}
