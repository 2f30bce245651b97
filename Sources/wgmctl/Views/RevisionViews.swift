// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// Revisions, one per row, newest first.
struct RevisionList: Presentable {
    var revisions: [V1.Revision]

    var document: Document { .list(revisions.map(\.document)) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "NUMBER", alignment: .right), .init(title: "TIME"), .init(title: "AUTHOR"),
            .init(title: "CHANGE"), .init(title: "REASON"),
        ])
        for revision in revisions {
            table.append([
                Words.number(revision.number), Words.time(revision.timeUnixMs), revision.author,
                revision.summary ?? "", revision.reason ?? "",
            ])
        }
        return table.rendered(styled: styled)
    }
}

/// One revision with what it changed.
struct RevisionDetails: Presentable {
    var revision: V1.Revision
    var objects: [V1.ChangedObject]

    var document: Document {
        .object(["revision": revision.document, "objects": ChangedObjects(objects: objects).document])
    }

    func text(styled: Bool) -> String {
        let details = Table(details: [
            ("Revision", Words.number(revision.number)),
            ("Time", Words.time(revision.timeUnixMs)),
            ("Author", revision.author),
            ("Change", revision.summary ?? ""),
            ("Reason", revision.reason ?? ""),
            ("Method", revision.method ?? ""),
            ("Request", revision.requestId ?? ""),
        ]).rendered(styled: styled)
        return details + "\n" + ChangedObjects(objects: objects).text(styled: styled)
    }
}

/// What differs, one attribute per row.
struct ChangedObjects: Presentable {
    var objects: [V1.ChangedObject]

    var document: Document { .list(objects.map(\.document)) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "INTERFACE"), .init(title: "PEER"), .init(title: "CHANGE"), .init(title: "ATTRIBUTE"),
            .init(title: "BEFORE"), .init(title: "AFTER"),
        ])
        for object in objects {
            for attribute in object.attributes {
                table.append([
                    object.interface ?? "", object.peer ?? "", object.change?.word ?? "", attribute.attribute ?? "",
                    attribute.before ?? "", attribute.after ?? "",
                ])
            }
        }
        return table.rendered(styled: styled)
    }
}

/// Who holds an address, the narrowest prefix first.
struct AddressHolders: Presentable {
    var holders: [V1.AddressHolder]

    var document: Document { .list(holders.map(\.document)) }

    func text(styled: Bool) -> String {
        guard !holders.isEmpty else { return "nobody\n" }
        var table = Table([
            .init(title: "INTERFACE"), .init(title: "HOLDER"), .init(title: "PREFIX"), .init(title: "ENABLED"),
            .init(title: "CHANGED"), .init(title: "REVISION", alignment: .right), .init(title: "PUBLIC-KEY"),
        ])
        for holder in holders {
            table.append([
                holder.interface ?? "", holder.peer ?? "(the gateway)", holder.prefix ?? "",
                holder.enabled == true ? "yes" : "no", Words.time(holder.sinceUnixMs), Words.number(holder.revision),
                holder.publicKey ?? "",
            ])
        }
        return table.rendered(styled: styled)
    }
}

extension V1.Revision {
    /// wgmd itself where no principal asked for it.
    var author: String { principal.flatMap { $0.isEmpty ? nil : $0 } ?? "wgmd" }

    var document: Document {
        .object([
            "number": .number(number), "time_unix_ms": .number(timeUnixMs), "principal": .text(principal),
            "method": .text(method), "summary": .text(summary), "reason": .text(reason), "request_id": .text(requestId),
        ])
    }
}

extension V1.ChangedObject {
    var document: Document {
        .object([
            "interface": .text(interface), "peer": .text(peer), "change": .text(change?.word),
            "attributes": .list(
                attributes.map {
                    .object(["attribute": .text($0.attribute), "before": .text($0.before), "after": .text($0.after)])
                }
            ),
        ])
    }
}

extension V1.AddressHolder {
    fileprivate var document: Document {
        .object([
            "interface": .text(interface), "peer": .text(peer), "prefix": .text(prefix), "enabled": .flag(enabled),
            "public_key": .text(publicKey), "revision": .number(revision), "since_unix_ms": .number(sinceUnixMs),
        ])
    }
}

extension V1.ObjectChange {
    var word: String {
        switch self {
        case .changed: "changed"
        case .created: "created"
        case .deleted: "deleted"
        case .unrecognized(let rawValue): String(rawValue)
        }
    }
}
