// SPDX-License-Identifier: Apache-2.0

/// The gateways that a person works with, by name, and which of them is meant when none is named.
///
/// It holds paths and addresses, no secret.
struct Profiles: Hashable, Sendable {
    struct Profile: Hashable, Sendable {
        var servers: [ServerAddress] = []
        var authority: String?
        var certificate: String?
        var key: String?
        var tokenFile: String?
        var pins: [String] = []
    }

    var current: String?
    var profiles: [String: Profile] = [:]

    static let nameRule = "1 to 32 letters, digits, `-` and `_`"

    static func isName(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension Profiles {
    /// What is wrong with the file, and where.
    struct Problem: Error, Hashable { let line: Int }

    /// Reads what `text` writes: tables of TOML whose values are strings without escapes.
    init(parsing text: String) throws(Problem) {
        var table: String?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = String(line).trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                let name = String(line.dropFirst().dropLast())
                guard Self.isName(name), profiles[name] == nil else { throw Problem(line: index + 1) }
                table = name
                profiles[name] = Profile()
            } else {
                guard let (key, value) = Self.assignment(line), set(key, value, in: table) else {
                    throw Problem(line: index + 1)
                }
            }
        }
    }

    private static func assignment(_ line: String) -> (key: String, value: String)? {
        guard let equals = line.firstIndex(of: "=") else { return nil }
        let key = String(line[..<equals]).trimmed
        let value = String(line[line.index(after: equals)...]).trimmed
        guard value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") else { return nil }
        let inner = String(value.dropFirst().dropLast())
        return isPlain(inner) ? (key, inner) : nil
    }

    /// True for what can stand between quotes as it is.
    static func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0 != "\"" && $0 != "\\" && $0.value >= 0x20 && $0.value != 0x7f }
    }

    private mutating func set(_ key: String, _ value: String, in table: String?) -> Bool {
        guard let table else {
            current = value
            return key == "use" && Self.isName(value)
        }
        var profile = profiles[table] ?? Profile()
        switch key {
        case "servers":
            let found = value.split(separator: " ").map { ServerAddress(String($0)) }
            guard !found.isEmpty, found.allSatisfy({ $0 != nil }) else { return false }
            profile.servers = found.compactMap(\.self)
        case "ca": profile.authority = value
        case "cert": profile.certificate = value
        case "key": profile.key = value
        case "token_file": profile.tokenFile = value
        case "pins": profile.pins = value.split(separator: " ").map(String.init)
        default: return false
        }
        profiles[table] = profile
        return true
    }

    /// The file.
    var text: String {
        var lines = ["# Written by wgmctl profile; it holds no secret."]
        if let current { lines.append("use = \"\(current)\"") }
        for (name, profile) in profiles.sorted(by: { $0.key < $1.key }) {
            lines += ["", "[\(name)]"]
            let members: [(String, String?)] = [
                ("servers", profile.servers.map(\.description).joined(separator: " ")), ("ca", profile.authority),
                ("cert", profile.certificate), ("key", profile.key), ("token_file", profile.tokenFile),
                ("pins", profile.pins.isEmpty ? nil : profile.pins.joined(separator: " ")),
            ]
            lines += members.compactMap { key, value in value.map { "\(key) = \"\($0)\"" } }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
