// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

extension Console {
    /// Says on standard error when a result is older than it looks.
    static func note(_ freshness: V1.Freshness?, now: Timestamp = .now) {
        guard let words = words(freshness, now: now) else { return }
        note(words)
    }

    static func words(_ freshness: V1.Freshness?, now: Timestamp) -> String? {
        guard let freshness, freshness.stale == true else { return nil }
        let asOf = freshness.asOfUnixMs.map { Words.age(of: Timestamp(milliseconds: $0), now: now) }
        let reason = freshness.reason.flatMap { $0.isEmpty ? nil : $0 } ?? "the database cannot be reached"
        return "state as of \(asOf ?? "an unknown time"): \(reason)"
    }
}
