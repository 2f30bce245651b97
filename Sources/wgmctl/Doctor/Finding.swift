// SPDX-License-Identifier: Apache-2.0

/// What one check found, and what to do about it.
struct Finding: Hashable, Sendable {
    enum State: String, Sendable, CaseIterable {
        case ok, warn, fail
    }

    var name: String
    var state: State
    var message: String
    /// What to do; nil when all is well.
    var cure: String?

    static func ok(_ name: String, _ message: String) -> Finding {
        Finding(name: name, state: .ok, message: message, cure: nil)
    }

    static func warn(_ name: String, _ message: String, cure: String) -> Finding {
        Finding(name: name, state: .warn, message: message, cure: cure)
    }

    static func fail(_ name: String, _ message: String, cure: String) -> Finding {
        Finding(name: name, state: .fail, message: message, cure: cure)
    }
}

/// All that `wgmctl doctor` found.
struct Diagnosis: Presentable {
    var findings: [Finding]

    var hasFailure: Bool { findings.contains { $0.state == .fail } }

    var document: Document {
        .object([
            "healthy": .flag(!hasFailure),
            "findings": .list(
                findings.map {
                    .object([
                        "name": .text($0.name), "state": .text($0.state.rawValue), "message": .text($0.message),
                        "cure": .text($0.cure),
                    ])
                }
            ),
        ])
    }

    func text(styled: Bool) -> String {
        let width = findings.map(\.name.count).max() ?? 0
        return findings.map { finding in
            let state = finding.state.rawValue + String(repeating: " ", count: 4 - finding.state.rawValue.count)
            let name = finding.name + String(repeating: " ", count: width - finding.name.count)
            let cure = finding.cure.map { cure in
                cure.split(separator: "\n").map { "      " + String($0).printable + "\n" }.joined()
            }
            return "\(state)  \(name)  \(finding.message.printable)\n" + (cure ?? "")
        }.joined()
    }
}
