// SPDX-License-Identifier: Apache-2.0

/// The exit codes of wgmctl: a promise to scripts, listed in docs/wgmctl.md.
enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    case failure = 1
    case unhealthy = 2
    case notFound = 3
    case conflict = 4
    case permissionDenied = 5
    case unauthenticated = 6
    case unavailable = 7
    case invalidArgument = 8
    case deadlineExceeded = 9
    case usage = 64

    var meaning: String {
        switch self {
        case .success: "done"
        case .failure: "any other failure"
        case .unhealthy: "`status` or `doctor` found something that does not work, `drift` some, `plan` a difference"
        case .notFound: "no such object, or nobody for `address who`"
        case .conflict: "exists already, or is in a state that forbids it"
        case .permissionDenied: "you may not do that"
        case .unauthenticated: "the daemon does not know who you are"
        case .unavailable: "the daemon or its database cannot be reached"
        case .invalidArgument: "the daemon refuses a value"
        case .deadlineExceeded: "took longer than --timeout"
        case .usage: "the command line is wrong"
        }
    }
}

/// Why a command ends without success, in words for the person who typed it.
struct Failure: Error, Hashable, Sendable {
    /// A part of what the person gave and the rule that it breaks.
    struct Violation: Hashable, Sendable {
        var field: String
        var rule: String
    }

    var status: ExitStatus
    var message: String
    var violations: [Violation]
    var hint: String?

    init(_ status: ExitStatus, _ message: String, violations: [Violation] = [], hint: String? = nil) {
        self.status = status
        self.message = message
        self.violations = violations
        self.hint = hint
    }

    /// What to print on standard error.
    var lines: [String] {
        var lines = ["wgmctl: \(message.printable)"]
        lines += violations.map { "  \($0.field.printable): \($0.rule.printable)" }
        if let hint { lines.append("hint: \(hint.printable)") }
        return lines
    }
}
