// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// The command that all others are part of.
struct Wgmctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wgmctl",
        abstract: "Manage a WireGuard gateway through its daemon, wgmd.",
        discussion: examples(
            "wgmctl interface create wg0 --endpoint vpn.example.org",
            "wgmctl peer create wg0 anna --config anna.conf",
            "wgmctl peer list -o json",
            "wgmctl import /etc/wireguard/wg0.conf --dry-run"
        ) + "\n\n" + exitCodes,
        version: "wgmctl \(WGMVersion.current)",
        subcommands: [
            InterfaceGroup.self, PeerGroup.self, PrincipalGroup.self, TokenGroup.self, AuditGroup.self,
            RevisionGroup.self, AddressGroup.self,
            PlanCommand.self, ApplyCommand.self, ExportCommand.self, ConfirmCommand.self,
            WatchCommand.self, TopCommand.self,
            InitCommand.self, DoctorCommand.self, LoginCommand.self, WhoAmICommand.self, ProfileGroup.self,
            StatusCommand.self, DriftCommand.self, ImportCommand.self, VersionCommand.self, CallCommand.self,
            MethodsCommand.self,
        ]
    )

    private static var exitCodes: String {
        let lines = ExitStatus.allCases.map { status in
            let number = String(status.rawValue)
            return "  " + String(repeating: " ", count: max(0, 2 - number.count)) + number + "  " + status.meaning
        }
        return (["EXIT CODES:"] + lines).joined(separator: "\n")
    }

    static func examples(_ lines: String...) -> String {
        (["EXAMPLES:"] + lines.map { "  " + $0 }).joined(separator: "\n")
    }
}
