// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// How many refusals of each caller get a record of their own, so that nobody fills the disk by being refused.
struct RefusalBudget {
    /// Within `window` milliseconds; what is beyond is counted, in one record each second.
    static let each = 120
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
        return window.count <= Self.each
    }
}

extension AuditEntry {
    /// Whose budget a refusal is counted in; nil for what the daemon says of itself.
    var refusedCaller: String? {
        guard code != 0 else { return nil }
        if let uid { return "uid \(uid)" }
        if let principal { return principal }
        return requestID.split(separator: "@", maxSplits: 1).dropFirst().first.map { "@\($0)" }
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
