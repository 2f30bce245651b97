// SPDX-License-Identifier: Apache-2.0

/// What somebody means who uses another program's word for a command.
enum Suggestion {
    private static let commands = [
        "add": "create", "new": "create", "make": "create", "rm": "delete", "del": "delete", "remove": "delete",
        "destroy": "delete", "ls": "list", "lst": "list", "get": "show", "info": "show", "edit": "set", "change": "set",
        "modify": "set", "update": "set", "off": "disable", "on": "enable",
    ]
    private static let groups = [
        "peers": "peer", "interfaces": "interface", "link": "interface", "tokens": "token", "principals": "principal",
        "user": "principal", "users": "principal", "revisions": "revision", "history": "revision", "log": "audit",
        "logs": "audit", "addresses": "address", "profiles": "profile",
    ]

    /// A line for who was refused, nil when there is nothing to say.
    ///
    /// `known` are the commands of each group; a command without commands of its own is a group without any.
    static func hint(for arguments: [String], known: [String: [String]]) -> String? {
        let words = arguments.prefix { !$0.hasPrefix("-") }
        guard let first = words.first else { return nil }
        guard let commands = known[first] else {
            guard let group = groups[first], known[group] != nil else { return nil }
            return "hint: wgmctl \(group) --help"
        }
        guard words.count > 1, !commands.isEmpty, !commands.contains(words[1]) else { return nil }
        guard let meant = Self.commands[words[1]], commands.contains(meant) else {
            return "hint: wgmctl \(first) has \(commands.joined(separator: ", "))"
        }
        return "hint: wgmctl \(first) \(meant) --help"
    }
}
