// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// How many records of each caller say everything, so that nobody fills the disk, or keeps others out of the log, by calling.
struct CallerBudget {
    /// Within `window` milliseconds; what is beyond is counted in records that say less.
    static let refusals = 120
    static let successes = 600
    private let each: Int
    private static let window: Int64 = 60_000
    /// Callers that are told apart; those beyond share one budget.
    private static let mostCallers = 1024

    private struct Window {
        var start: Int64
        var count: Int
    }
    private var windows: [String: Window] = [:]
    /// Milliseconds; looked at each time, the full table would cost more than the refusal.
    private var tidied: Int64 = 0

    init(each: Int) { self.each = each }

    /// False when this caller's budget is spent.
    mutating func admit(_ caller: String, at time: Timestamp) -> Bool {
        let now = time.milliseconds
        var caller = caller
        if windows[caller] == nil, windows.count >= Self.mostCallers {
            if abs(now - tidied) >= Self.window {
                windows = windows.filter { now - $0.value.start < Self.window }
                tidied = now
            }
            if windows.count >= Self.mostCallers { caller = "" }
        }
        var window = windows[caller] ?? Window(start: now, count: 0)
        // A clock that was set back must not make a window last forever.
        if now < window.start || now - window.start >= Self.window { window = Window(start: now, count: 0) }
        window.count += 1
        windows[caller] = window
        return window.count <= each
    }
}

extension AuditEntry {
    /// Whose budget this is counted in; nil for what the daemon says of itself.
    var caller: String? {
        if let uid { return "uid \(uid)" }
        if let principal { return principal }
        guard let address = requestID.split(separator: "@", maxSplits: 1).dropFirst().first else { return nil }
        // One host has all of an IPv6 network.
        guard let network = IPAddress(String(address)), network.family == .v6 else { return "@\(address)" }
        return "@\(IPPrefix(masking: network, length: 64).map(String.init(describing:)) ?? "")"
    }

    /// The same without what a caller may vary as he likes, for calls that are no longer recorded one by one.
    var condensed: AuditEntry {
        var entry = self
        (entry.tokenID, entry.request, entry.reason) = (nil, "{}", "")
        entry.message = "one of many within a minute: token, request and reason are not kept"
        return entry
    }

    /// The record for the calls of a caller who has as much waiting as one may have.
    var furtherCall: AuditEntry {
        AuditEntry(
            time: time,
            principal: principal,
            uid: uid,
            tokenID: nil,
            method: "wgmd/calls",
            resource: "",
            message: "good like the calls before, which were too many for a record each",
            requestID: requestID
        )
    }

    /// The record for the refusals of a caller whose budget is spent and that have no equal among those that wait.
    var furtherRefusal: AuditEntry {
        AuditEntry(
            time: time,
            principal: principal,
            uid: uid,
            tokenID: nil,
            method: "wgmd/refusals",
            resource: "",
            code: code,
            message: "refused like the calls before, which were too many for a record each",
            requestID: requestID
        )
    }
}
