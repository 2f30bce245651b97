// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension V1.DriftPolicy {
    init(_ policy: DriftPolicy) {
        self =
            switch policy {
            case .repair: .repair
            case .report: .report
            case .adopt: .adopt
            }
    }
}

extension DriftPolicy {
    /// nil for a value that this version does not know.
    init?(_ message: V1.DriftPolicy) {
        switch message {
        case .repair: self = .repair
        case .report: self = .report
        case .adopt: self = .adopt
        case .unrecognized: return nil
        }
    }
}

extension V1.InterfaceDrift {
    init(_ interface: InterfaceName, _ drift: Drift) {
        self.init(
            interface: interface.value,
            policy: V1.DriftPolicy(drift.policy),
            items: drift.items.map {
                V1.DriftItem(
                    attribute: $0.attribute,
                    database: $0.wanted,
                    kernel: $0.found,
                    outcome: $0.wasRepaired ? .repaired : nil,
                    peer: $0.peer
                )
            },
            sinceUnixMs: drift.since.milliseconds,
            timeUnixMs: drift.time.milliseconds
        )
        switch drift.outcome {
        case .open(let reason): (outcome, self.reason) = (.open, reason)
        case .repaired: outcome = .repaired
        case .adopted(let revision): (outcome, self.revision) = (.adopted, revision)
        case .ended: outcome = .ended
        }
    }
}
