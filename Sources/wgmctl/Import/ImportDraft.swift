// SPDX-License-Identifier: Apache-2.0

internal import WGMConfigFile
internal import WGMKeys
internal import WGMModel
internal import WGMWire

/// A request made of a file: what wgm takes of it, what it does not, and what is wrong.
struct ImportDraft {
    private(set) var request = V1.ImportSource()
    /// What is reported and not taken, and what was made of names.
    private(set) var remarks: [String] = []
    private(set) var mistakes: [Failure.Violation] = []
    /// Of routes into another table than the main one; nil when they are where wgm puts them.
    private(set) var otherRoutes: Place?
    private let path: String
    /// Where each peer of the request stands.
    private var places: [Place] = []

    init(_ source: borrowing ImportSource, intake: IntakeKey) throws {
        path = source.path
        try takeKey(source, intake)
        takeInterface(source.file.interface)
        try takePeers(source, intake)
        for warning in source.file.warnings { note(warning.place, "\(warning.matter)") }
    }

    private mutating func note(_ place: Place, _ words: String) { remarks.append("line \(place.line): \(words)") }

    private mutating func refuse(_ place: Place?, _ rule: String) {
        mistakes.append(.init(field: place.map { "\(path): \($0)" } ?? path, rule: rule))
    }

    private mutating func takeKey(_ source: borrowing ImportSource, _ intake: IntakeKey) throws {
        guard let key = try source.privateKey() else { return refuse(nil, "[Interface] has no PrivateKey") }
        request.publicKey = key.publicKey.description
        do { request.privateKey = try key.boxed(to: intake).bytes } catch { throw Failure(error) }
    }

    private mutating func takeInterface(_ interface: InterfaceSection) {
        request.listenPort = interface.listenPort.map { UInt32($0.value) }
        request.firewallMark = interface.firewallMark?.value
        request.addresses = interface.addresses.map(\.value.description)
        request.mtu = interface.mtu?.value
        if let mtu = interface.mtu, mtu.value < 1280 {
            refuse(mtu.place, "MTU must be at least 1280: wgm's interfaces always have IPv6")
        }
        for resolver in interface.resolvers {
            note(resolver.place, "DNS \(resolver.value) is not taken: wgm leaves this host's resolvers alone")
        }
        for domain in interface.searchDomains { note(domain.place, "DNS search domain \(domain.value) is not taken") }
        for command in interface.commands {
            note(
                command.place,
                "\(command.value.phase.rawValue) is not taken, wgm runs no commands: \(command.value.command)"
            )
        }
        if let saves = interface.savesConfiguration, saves.value {
            note(saves.place, "SaveConfig is not taken: the database holds the state")
        }
        guard let table = interface.table, table.value != .automatic else { return }
        otherRoutes = table.place
        note(table.place, "Table is not taken: wgm puts routes into the main table")
    }

    private mutating func takePeers(_ source: borrowing ImportSource, _ intake: IntakeKey) throws {
        var names = PeerNames()
        var keys: [PublicKey: Place] = [:]
        for section in source.file.peers {
            guard let key = section.publicKey else { continue }
            if let first = keys.updateValue(key.place, forKey: key.value) {
                refuse(key.place, "the same PublicKey as at \(first); wg would merge the two")
            }
            var peer = V1.NewPeer()
            let name = names.name(from: section.name?.value, key: key.value)
            peer.name = name.value
            peer.publicKey = key.value.description
            if let said = section.name, said.value != name.value {
                peer.comment = Self.comment(said.value)
                note(said.place, "\"\(said.value)\" becomes the name \(name)")
            }
            peer.allowedAddresses = section.allowedAddresses.map(\.value.description)
            peer.keepaliveS = section.keepalive.map { UInt32($0.value) }
            peer.endpoint = endpoint(section.endpoint)
            if let secret = section.presharedKey {
                let preshared = try source.presharedKey(secret.value)
                do { peer.presharedKey = try preshared.boxed(for: key.value, to: intake).bytes } catch {
                    throw Failure(error)
                }
            }
            request.peers.append(peer)
            places.append(section.place)
        }
        refuseOverlaps(source.file.peers)
    }

    /// Free text of 256 bytes at most.
    private static func comment(_ text: String) -> String {
        var kept = ""
        for scalar in text.unicodeScalars where !scalar.isUnprintable {
            guard kept.utf8.count + 4 <= 256 else { break }
            kept.unicodeScalars.append(scalar)
        }
        return kept
    }

    /// A name stays one: wgmd looks it up, and again when the peer is not heard.
    private mutating func endpoint(_ said: Located<FileEndpoint>?) -> String? {
        guard let said else { return nil }
        guard said.value.port > 0 else {
            refuse(said.place, "Endpoint has port 0")
            return nil
        }
        switch said.value.host {
        case .address(_, .some):
            note(
                said.place,
                "Endpoint \(said.value) is not taken: wgm keeps no zones; the peer is found when it speaks"
            )
            return nil
        case .address(let address, nil):
            return Endpoint(address, port: said.value.port).description
        case .name(let name):
            guard let host = HostName(name.hasSuffix(".") ? name.dropLast() : name[...]) else {
                refuse(said.place, "Endpoint \(name) is no host name: labels of letters, digits and inner hyphens")
                return nil
            }
            return PeerEndpoint.name(host, port: said.value.port).description
        }
    }

    /// WireGuard would silently give the prefix to the last peer, or the longer prefix to its own.
    private mutating func refuseOverlaps(_ peers: [PeerSection]) {
        var all: [(prefix: Located<IPPrefix>, peer: Int)] = []
        for (index, peer) in peers.enumerated() { all += peer.allowedAddresses.map { ($0, index) } }
        var holding: [(prefix: Located<IPPrefix>, peer: Int)] = []
        for next in all.sorted(by: { ($0.prefix.value, $0.prefix.place) < ($1.prefix.value, $1.prefix.place) }) {
            while let last = holding.last, !last.prefix.value.overlaps(next.prefix.value) { holding.removeLast() }
            if let other = holding.first(where: { $0.peer != next.peer }) {
                refuse(
                    next.prefix.place,
                    "\(next.prefix.value) overlaps \(other.prefix.value) at \(other.prefix.place), which is another peer's"
                )
            }
            holding.append(next)
        }
    }

    /// What the daemon's name of a field is in the file.
    func place(ofField field: String) -> String {
        guard field.hasPrefix("peers["), let end = field.firstIndex(of: "]"),
            let index = Int(field[field.index(field.startIndex, offsetBy: 6)..<end]), places.indices.contains(index)
        else { return "\(path): \(field)" }
        return "\(path): \(places[index]) (\(field[field.index(after: end)...].drop { $0 == "." }))"
    }

    /// Throws all that is wrong at once.
    func finish() throws(Failure) {
        guard !mistakes.isEmpty else { return }
        let count = mistakes.count == 1 ? "something" : "\(mistakes.count) things"
        throw Failure(
            .invalidArgument,
            "\(path) holds \(count) that wgm does not take, nothing was imported",
            violations: mistakes
        )
    }
}
