// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// Drift, one attribute per row.
struct DriftList: Presentable {
    var drifts: [V1.InterfaceDrift]

    var hasOpen: Bool { drifts.contains { $0.outcome == .open } }

    var document: Document { .list(drifts.map(\.document)) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "INTERFACE"), .init(title: "PEER"), .init(title: "ATTRIBUTE"), .init(title: "DATABASE"),
            .init(title: "KERNEL"),
            .init(title: "SINCE"), .init(title: "OUTCOME"),
        ])
        for drift in drifts {
            for item in drift.items {
                table.append([
                    drift.interface ?? "", item.peer ?? "", item.attribute ?? "", item.database ?? "",
                    item.kernel ?? "",
                    Words.time(drift.sinceUnixMs), item.outcome?.word ?? drift.outcomeWords,
                ])
            }
        }
        return table.rendered(styled: styled)
    }
}

extension V1.InterfaceDrift {
    var outcomeWords: String {
        switch outcome {
        case .open: reason.map { "open: \($0)" } ?? "open"
        case .adopted: revision.map { "adopted by revision \($0)" } ?? "adopted"
        default: outcome?.word ?? ""
        }
    }

    var document: Document {
        .object([
            "interface": .text(interface), "policy": .text(policy?.word), "items": .list(items.map(\.document)),
            "since_unix_ms": .number(sinceUnixMs), "outcome": .text(outcome?.word), "reason": .text(reason),
            "revision": .number(revision), "time_unix_ms": .number(timeUnixMs),
        ])
    }
}

extension V1.DriftItem {
    /// `mtu`, `peer alice`, `peer alice keepalive_s`.
    var place: String {
        guard let peer else { return attribute ?? "" }
        return attribute == "peer" ? "peer \(peer)" : "peer \(peer) \(attribute ?? "")"
    }

    var document: Document {
        .object([
            "peer": .text(peer), "attribute": .text(attribute), "database": .text(database), "kernel": .text(kernel),
            "outcome": .text(outcome?.word),
        ])
    }
}

extension V1.DriftOutcome {
    fileprivate var word: String {
        switch self {
        case .open: "open"
        case .repaired: "repaired"
        case .adopted: "adopted"
        case .ended: "ended"
        case .unrecognized(let rawValue): String(rawValue)
        }
    }
}

extension V1.DriftPolicy {
    /// As it is typed on the command line.
    var word: String {
        switch self {
        case .repair: "repair"
        case .report: "report"
        case .adopt: "adopt"
        case .unrecognized(let rawValue): String(rawValue)
        }
    }
}
