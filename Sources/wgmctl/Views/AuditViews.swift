// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// Audit records, one per row, newest first.
struct AuditRecords: Presentable {
    var records: [V1.AuditRecord]

    var document: Document { .list(records.map(\.document)) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "NUMBER", alignment: .right), .init(title: "TIME"), .init(title: "WHO"),
            .init(title: "METHOD"), .init(title: "RESOURCE"), .init(title: "RESULT"), .init(title: "MESSAGE"),
        ])
        for record in records {
            table.append([
                Words.number(record.sequence), Words.time(record.timeUnixMs), record.who, record.method ?? "",
                record.resource ?? "", record.result, record.words,
            ])
        }
        return table.rendered(styled: styled)
    }
}

extension V1.AuditRecord {
    /// The principal, or the user id of somebody who is none, or the daemon itself.
    fileprivate var who: String {
        if let principal, !principal.isEmpty { return principal }
        if uid == nil, method?.hasPrefix("wgmd/") == true { return "wgmd" }
        return uid.map { "uid \($0)" } ?? ""
    }

    /// What the daemon says, and why the caller says that it was done.
    fileprivate var words: String {
        let times = count.map { "\($0) times, last at \(Words.time(lastTimeUnixMs))" }
        let parts = [times, message, reason.map { "(\($0))" }]
        return parts.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " ")
    }

    fileprivate var result: String {
        guard let code else { return "" }
        return StatusCode(rawValue: code)?.name ?? String(code)
    }

    fileprivate var document: Document {
        .object([
            "sequence": .number(sequence), "time_unix_ms": .number(timeUnixMs), "principal": .text(principal),
            "uid": .number(uid), "token_id": .text(tokenId), "method": .text(method), "resource": .text(resource),
            "code": .number(code), "message": .text(message), "request": .text(request),
            "revision": .number(revision), "request_id": .text(requestId), "reason": .text(reason),
            "count": .number(count ?? 1), "last_time_unix_ms": .number(lastTimeUnixMs),
        ])
    }
}
