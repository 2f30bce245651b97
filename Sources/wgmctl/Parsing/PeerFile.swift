// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMModel
internal import WGMWire

/// One peer of a file of many.
struct ListedPeer: Hashable, Sendable {
    var name: ObjectName
    var publicKey: PublicKey
    /// The peer's own addresses.
    var addresses: [IPAddress] = []
    /// Prefixes behind the peer.
    var prefixes: [IPPrefix] = []
    var line: Int

    /// Everything that is routed to the peer, as far as the file says it.
    var allowed: [IPPrefix] { addresses.map { IPPrefix(host: $0) } + prefixes }
}

/// A file of many peers: lines `NAME PUBLIC-KEY [ADDRESS-OR-PREFIX,…]`, `#` starts a comment.
enum PeerFile {
    static let maxBytes = 1 << 20
    static let maxPeers = 5000

    private struct Mistake {
        var line: Int
        var rule: String

        var violation: Failure.Violation { .init(field: "line \(line)", rule: rule) }
    }

    /// Reads the file; `-` is standard input.
    static func read(path: String) throws(Failure) -> [ListedPeer] {
        let bytes: [UInt8]?
        do {
            let file = try path == "-" ? Descriptor(number: dup(STDIN_FILENO)) : Descriptor(path: path, flags: O_RDONLY)
            bytes = try file.readAll(limit: maxBytes)
        } catch {
            throw Failure(.usage, "cannot read \(path): \(error)")
        }
        guard let bytes else { throw Failure(.usage, "\(path) is larger than 1 MiB", hint: "split the file") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.usage, "\(path) is not text in UTF-8")
        }
        return try parse(text, name: path == "-" ? "standard input" : path)
    }

    /// All peers, or all mistakes.
    static func parse(_ text: String, name: String) throws(Failure) -> [ListedPeer] {
        var peers: [ListedPeer] = []
        var mistakes: [Mistake] = []
        // In a Swift string, CR LF is one character.
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard !words.isEmpty else { continue }
            var rules: [String] = []
            if let peer = parse(words, line: index + 1, rules: &rules) { peers.append(peer) }
            mistakes += rules.map { Mistake(line: index + 1, rule: $0) }
        }
        mistakes += duplicates(in: peers)
        guard mistakes.isEmpty else {
            let count = mistakes.count == 1 ? "a mistake" : "\(mistakes.count) mistakes"
            let violations = mistakes.sorted { $0.line < $1.line }.map(\.violation)
            throw Failure(.usage, "\(name) has \(count), nothing was created", violations: violations, hint: hint)
        }
        guard !peers.isEmpty else { throw Failure(.usage, "\(name) names no peer", hint: hint) }
        guard peers.count <= maxPeers else {
            throw Failure(.usage, "\(name) names \(peers.count) peers; \(maxPeers) at most go into one call")
        }
        return peers
    }

    /// What the interface's peers have already, with lines.
    static func collisions(of peers: [ListedPeer], with others: [V1.Peer]) -> [Failure.Violation] {
        let names = Set(others.compactMap(\.name))
        let keys = Dictionary(others.map { ($0.publicKey ?? "", $0.name ?? "") }) { first, _ in first }
        let held = HeldPrefixes(
            others.flatMap { other in other.allowedAddresses.compactMap { IPPrefix($0) }.map { ($0, other.name ?? "") }
            }
        )
        var mistakes: [Mistake] = []
        for peer in peers {
            for prefix in peer.allowed {
                guard let (other, owner) = held.first(overlapping: prefix, where: { _ in true }) else { continue }
                let rule = "\(prefix.short) overlaps \(other.short) of the peer \(owner)"
                mistakes.append(.init(line: peer.line, rule: rule))
            }
            if names.contains(peer.name.value) {
                mistakes.append(.init(line: peer.line, rule: "there is a peer named \(peer.name) already"))
            }
            if let owner = keys[peer.publicKey.description] {
                mistakes.append(.init(line: peer.line, rule: "the key belongs to the peer \(owner) already"))
            }
        }
        return mistakes.map(\.violation)
    }

    private static let hint = "each line is NAME PUBLIC-KEY [ADDRESS-OR-PREFIX,...]"

    private static func parse(_ words: [Substring], line: Int, rules: inout [String]) -> ListedPeer? {
        guard (2...3).contains(words.count) else {
            rules.append("has \(words.count) words instead of 2 or 3")
            return nil
        }
        let name = ObjectName(String(words[0]))
        if name == nil { rules.append("the name \"\(words[0])\" is not \(ObjectName.rule)") }
        let key = PublicKey(base64: words[1]).flatMap { $0.isZero ? nil : $0 }
        if key == nil { rules.append("the public key is not \(PublicKey.rule)") }
        let targets = words.count == 3 ? targets(words[2], rules: &rules) : ([], [])
        guard let name, let key, rules.isEmpty else { return nil }
        return ListedPeer(name: name, publicKey: key, addresses: targets.0, prefixes: targets.1, line: line)
    }

    private static func targets(_ list: Substring, rules: inout [String]) -> ([IPAddress], [IPPrefix]) {
        var addresses: [IPAddress] = []
        var prefixes: [IPPrefix] = []
        for item in list.split(separator: ",", omittingEmptySubsequences: false) {
            if let address = IPAddress(item) {
                addresses.append(address)
            } else if let prefix = IPPrefix(item) {
                if prefix.isHost { addresses.append(prefix.address) } else { prefixes.append(prefix) }
            } else if let address = InterfaceAddress(item) {
                rules.append("\"\(item)\" has bits set behind the prefix length; did you mean \(address.prefix)?")
            } else {
                rules.append("\"\(item)\" is neither an address nor a prefix")
            }
        }
        return (addresses, prefixes)
    }

    private static func duplicates(in peers: [ListedPeer]) -> [Mistake] {
        var names: [ObjectName: Int] = [:]
        var keys: [PublicKey: Int] = [:]
        let held = HeldPrefixes(peers.flatMap { peer in peer.allowed.map { ($0, peer.line) } })
        var mistakes: [Mistake] = []
        for peer in peers {
            for prefix in peer.allowed {
                guard let (other, line) = held.first(overlapping: prefix, where: { $0 < peer.line }) else { continue }
                mistakes.append(.init(line: peer.line, rule: "\(prefix.short) overlaps \(other.short) of line \(line)"))
            }
            if let first = names.updateValue(peer.line, forKey: peer.name) {
                mistakes.append(.init(line: peer.line, rule: "the name is the same as in line \(first)"))
            }
            if let first = keys.updateValue(peer.line, forKey: peer.publicKey) {
                mistakes.append(.init(line: peer.line, rule: "the key is the same as in line \(first)"))
            }
        }
        return mistakes
    }
}

extension IPPrefix {
    /// Of one address, the address.
    fileprivate var short: String { isHost ? "\(address)" : "\(self)" }
}
