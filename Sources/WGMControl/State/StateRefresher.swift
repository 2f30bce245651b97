// SPDX-License-Identifier: Apache-2.0

internal import Logging

/// Brings the copy of the state up to date, and says in it when the database is away.
struct StateRefresher {
    private static let maxTries = 5
    let store: any Store
    let view: GatewayView
    let clock: any Clock
    let logger: Logger

    /// True if there was something new.
    func refresh() async -> Bool {
        do throws(StoreFailure) {
            guard view.isBehind(try await store.currentRevision()) else {
                view.markFresh(at: clock.now)
                return false
            }
            for _ in 0..<Self.maxTries {
                let known = view.revision
                let state = try await store.load()
                if view.replace(state, known: known, at: clock.now) { return true }
            }
        } catch {
            if view.freshness.staleReason == nil {
                logger.error("the state cannot be read", metadata: ["reason": "\(error.words)"])
            }
            view.markStale(error.words)
        }
        return false
    }
}

extension StoreFailure {
    /// The database's words where there are any.
    var words: String {
        switch self {
        case .unavailable(let words), .inDoubt(let words), .other(let words): words
        case .taken(let what, let owner): "\(what) is already used by \(owner)"
        case .overlap(let prefix, let other, let owner): "\(prefix) overlaps \(other) of \(owner)"
        default: "\(self)"
        }
    }
}
