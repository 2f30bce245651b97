// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// Whether the gateway does its work.
struct Health: Presentable {
    var reply: V1.CheckHealthResponse

    /// A daemon that does not say that it serves does not.
    var isServing: Bool { reply.status == .serving }

    private var word: String {
        switch reply.status {
        case .serving: "serving"
        case .degraded: "degraded"
        case .unspecified, nil: "unknown"
        case .unrecognized(let rawValue): String(rawValue)
        }
    }

    var document: Document {
        .object([
            "status": .text(word),
            "components": .list(
                reply.components.map {
                    .object(["name": .text($0.name), "healthy": .flag($0.healthy), "message": .text($0.message)])
                }
            ),
        ])
    }

    func text(styled: Bool) -> String {
        var table = Table([.init(title: "COMPONENT"), .init(title: "HEALTHY"), .init(title: "MESSAGE")])
        table.append(["gateway", isServing ? "yes" : "no", word])
        for component in reply.components {
            table.append([component.name ?? "", component.healthy == true ? "yes" : "no", component.message ?? ""])
        }
        return table.rendered(styled: styled)
    }
}

/// The versions at both ends.
struct Versions: Presentable {
    /// nil when the daemon cannot be reached.
    var server: V1.VersionResponse?

    private var protocolVersion: String? {
        guard let major = server?.protocolMajor else { return nil }
        return "\(major).\(server?.protocolMinor ?? 0)"
    }

    var document: Document {
        .object([
            "client": .text(WGMVersion.current),
            "server": server.map {
                .object([
                    "version": .text($0.version), "protocol_major": .number($0.protocolMajor),
                    "protocol_minor": .number($0.protocolMinor), "node": .text($0.node),
                ])
            } ?? .absent,
        ])
    }

    func text(styled: Bool) -> String {
        guard let server else {
            return Table(details: [("wgmctl", WGMVersion.current)]).rendered(styled: styled)
        }
        return Table(details: [
            ("wgmctl", WGMVersion.current),
            ("wgmd", server.version ?? ""),
            ("Protocol", protocolVersion ?? ""),
            ("Node", server.node ?? ""),
        ]).rendered(styled: styled)
    }
}
