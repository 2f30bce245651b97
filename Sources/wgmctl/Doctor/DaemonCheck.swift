// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// What the daemon says about itself, the keeper and the database.
struct DaemonCheck {
    let options: GlobalOptions
    /// nil when the daemon runs on another one.
    let machine: Machine?

    func findings() -> [Finding] {
        do {
            var session = try Session.anonymous(options)
            let version = try session.metaVersion(V1.VersionRequest())
            let health = try session.healthCheck(V1.CheckHealthRequest())
            return [Self.finding(version)] + health.components.map(Self.finding) + portFindings()
        } catch {
            let failure = Program.failure(error) ?? Failure(.failure, "\(error)")
            return [
                .fail(
                    "wgmd",
                    failure.message,
                    cure: failure.hint ?? "journalctl -u wgmd shows what it said last"
                )
            ]
        }
    }

    private static func finding(_ version: V1.VersionResponse) -> Finding {
        let words = version.version ?? "of an unknown version"
        guard version.version == WGMVersion.current else {
            return .warn(
                "wgmd",
                "wgmd is \(words), wgmctl \(WGMVersion.current)",
                cure: "install the same version of both, and restart wgmd"
            )
        }
        return .ok("wgmd", "\(words), node \(version.node ?? "")")
    }

    static func finding(_ component: V1.HealthComponent) -> Finding {
        let name = component.name ?? "component"
        if component.healthy == true { return .ok(name, component.message ?? "well") }
        let cure =
            switch name {
            case "database":
                "systemctl status wgmd-postgres, or look after the server of `database` in /etc/wgm/wgmd.toml"
            case "keeper":
                "systemctl status wgmd-keeper; if it is sealed, restore its key-encryption key and restart it"
            case "reconciler": "wgmctl drift and wgmctl interface list show which; journalctl -u wgmd says why"
            default: "journalctl -u wgmd"
            }
        return .fail(name, component.message ?? "not well", cure: cure)
    }

    /// Whether every interface listens; for those who may list interfaces.
    private func portFindings() -> [Finding] {
        let name = "listen ports"
        do {
            var session = try Session.authenticated(options)
            let interfaces = try session.interfacesList(V1.ListInterfacesRequest()).interfaces
            return machine.map { Self.portFindings(interfaces, open: $0.openPorts) } ?? []
        } catch {
            let words = (Program.failure(error) ?? Failure(.failure, "\(error)")).message
            return [.warn(name, "not looked at: \(words)", cure: "run it as somebody who may read interfaces")]
        }
    }

    static func portFindings(_ interfaces: [V1.Interface], open: Set<UInt32>) -> [Finding] {
        let name = "listen ports"
        let closed = interfaces.filter { interface in
            guard interface.up == true, let port = interface.listenPort else { return false }
            return !open.contains(port)
        }
        guard let first = closed.first else {
            return [.ok(name, interfaces.isEmpty ? "no interface yet" : "every interface that is up listens")]
        }
        let list = closed.map { "\($0.name ?? "") (\($0.listenPort ?? 0))" }.joined(separator: ", ")
        return [
            .fail(
                name,
                "nobody listens for \(list)",
                cure: "wgmctl interface show \(first.name ?? "") says why; ss -ulnp shows who has the port"
            )
        ]
    }
}
