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

    /// The commands, with those of each group.
    static var commandNames: [String: [String]] {
        func names(_ commands: [any ParsableCommand.Type]) -> [String] {
            commands.compactMap { $0.configuration.commandName }
        }
        let groups = configuration.subcommands.map {
            ($0.configuration.commandName ?? "", names($0.configuration.subcommands))
        }
        return Dictionary(groups) { first, _ in first }
    }

    private static var exitCodes: String {
        let lines = ExitStatus.allCases.map { status in
            let number = String(status.rawValue)
            return "  " + String(repeating: " ", count: max(0, 2 - number.count)) + number + "  " + status.meaning
        }
        return (["EXIT CODES:"] + lines).joined(separator: "\n")
    }

    /// So that they can be pasted: what is too long is continued behind a backslash, in front of an option.
    static func examples(_ lines: String...) -> String {
        (["EXAMPLES:"] + lines.flatMap(continued).map { "  " + $0 }).joined(separator: "\n")
    }

    /// Of the help, as narrow as it gets.
    private static let width = 78

    private static func continued(_ line: String) -> [String] {
        var lines = [""]
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        for (index, word) in words.enumerated() {
            let isOption = word.hasPrefix("-")
            // An option stays with its value.
            let value = isOption && index + 1 < words.count && !words[index + 1].hasPrefix("-") ? words[index + 1] : ""
            let end = lines[lines.count - 1]
            if isOption, end.count + word.count + value.count + 4 > width {
                lines[lines.count - 1] = end + " \\"
                lines.append("    " + word)
            } else {
                lines[lines.count - 1] = end.isEmpty ? String(word) : end + " " + word
            }
        }
        return lines
    }
}
