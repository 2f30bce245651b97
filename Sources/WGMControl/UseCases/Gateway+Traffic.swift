// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Gateway {
    /// How often the database is told what was counted.
    ///
    /// What is lost when wgmd is killed in between is only what belongs to a link that is made anew before wgmd is back:
    /// else the kernel still has it.
    static let trafficInterval: Duration = .seconds(60)
    /// So many peers in one statement, so that changes need not wait for long.
    private static let trafficBatch = 1000

    /// Reads what was counted before; to be done before anything is counted.
    func loadTraffic() async {
        guard view.isLoaded, !view.ledger.isLoaded else { return }
        do throws(StoreFailure) {
            view.load(try await store.traffic())
        } catch {
            logger.warning("the counters of before cannot be read yet", metadata: ["reason": "\(error.words)"])
        }
    }

    /// Also when wgmd ends.
    package func saveTraffic() async {
        guard view.freshness.staleReason == nil else { return }
        var rest = view.ledger.takeUnsaved()[...]
        while !rest.isEmpty {
            do throws(StoreFailure) {
                try await store.keepTraffic(Array(rest.prefix(Self.trafficBatch)))
                rest = rest.dropFirst(Self.trafficBatch)
            } catch {
                view.ledger.putBack(rest)
                return logger.debug("counters were not kept", metadata: ["reason": "\(error.words)"])
            }
        }
    }

    /// How many peers are in which state, as words: `3 up, 1 stale`; and how many are behind with a new key.
    var peerWords: String {
        let switched = view.interfaces.filter { $0.rotation?.switched != nil }.map(\.id)
        let stragglers = view.ledger.stragglers(of: switched)
        let late = "\(stragglers) \(stragglers == 1 ? "straggler" : "stragglers") without the new key of the interface"
        let lost = view.names.lostCount
        let names =
            "\(lost) \(lost == 1 ? "endpoint is a name that stands" : "endpoints are names that stand") for nothing"
        return stateWords + (stragglers > 0 ? "; " + late : "") + (lost > 0 ? "; " + names : "")
    }

    private var stateWords: String {
        let counts = view.ledger.counts(of: view.interfaces.map(\.id))
        let words = [PeerState.up, .idle, .stale, .down, .never].compactMap { state in
            counts[state].map { "\($0) \(state)" }
        }
        return words.isEmpty ? "none" : words.joined(separator: ", ")
    }
}
