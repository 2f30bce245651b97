// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Peers that were asked for, checked each by itself and against one another.
struct CheckedPeers {
    var interface: InterfaceName
    var peers: [NewPeer]
    /// Preshared keys that only the keeper can read, by the place of their peer.
    var presharedKeys: [(index: Int, box: SecretBox)] = []
}

extension PeersRequest {
    private static let maxPeers = 5000

    /// `gateway` is the interface as far as it is known; whether it exists is for the store to say.
    func checked(gateway: (InterfaceName) -> InterfaceRecord?) throws(Refusal) -> CheckedPeers {
        var checker = Checker()
        let interface = checker.interfaceName(interface, "interface")
        if !(1...Self.maxPeers).contains(peers.count) { checker.refuse("peers", "1 to \(Self.maxPeers) peers") }
        let record = interface.flatMap(gateway)
        var unique = UniqueValues()
        var checked: [NewPeer] = []
        var boxes: [(index: Int, box: SecretBox)] = []
        for (index, peer) in peers.prefix(Self.maxPeers).enumerated() {
            let path = "peers[\(index)]"
            guard let new = peer.checked(path, &checker) else { continue }
            unique.claim(new, path, &checker)
            if let record { checker.refuseTheGateways(record, new, path) }
            if let box = checker.secretBox(peer.presharedKey, path + ".preshared_key") {
                boxes.append((checked.count, box))
            }
            checked.append(new)
        }
        unique.refuseOverlaps(&checker)
        try checker.finish()
        guard let interface else { throw .invalid([]) }
        return CheckedPeers(interface: interface, peers: checked, presharedKeys: boxes)
    }
}

extension PeerRequest {
    static let maxAddresses = 16
    static let maxPrefixes = 1000

    /// nil when something is wrong with it, which the checker was told.
    func checked(_ path: String, _ checker: inout Checker) -> NewPeer? {
        let name = checker.objectName(name, path + ".name")
        let key = checker.publicKey(publicKey, path + ".public_key")
        if addresses.count > Self.maxAddresses {
            checker.refuse(path + ".addresses", "at most \(Self.maxAddresses) addresses")
        }
        if allowedAddresses.count > Self.maxPrefixes {
            checker.refuse(path + ".allowed_addresses", "at most \(Self.maxPrefixes) prefixes")
        }
        let own = addresses.prefix(Self.maxAddresses).enumerated().compactMap {
            checker.hostAddress($0.element, "\(path).addresses[\($0.offset)]")
        }
        if isIPv6Only, let index = own.firstIndex(where: { $0.family == .v4 }) {
            checker.refuse("\(path).addresses[\(index)]", "no IPv4 address for a peer that is to have IPv6 only")
        }
        let routed = allowedAddresses.prefix(Self.maxPrefixes).enumerated().compactMap {
            checker.prefix($0.element, "\(path).allowed_addresses[\($0.offset)]")
        }
        let endpoint = endpoint.flatMap { $0.isEmpty ? nil : checker.endpoint($0, path + ".endpoint") }
        let keepalive = checker.number(keepalive, in: 0...65535, else: 0, path + ".keepalive_s")
        let comment = checker.comment(comment, path + ".comment")
        let validity = Validity(
            from: checker.moment(validFrom, path + ".valid_from_unix_ms"),
            until: checker.moment(validUntil, path + ".valid_until_unix_ms")
        )
        checker.refuseEmpty(validity, path + ".valid_until_unix_ms")
        guard let name, let key else { return nil }
        return NewPeer(
            name: name,
            publicKey: key,
            addresses: own,
            routed: routed,
            isIPv6Only: isIPv6Only,
            endpoint: endpoint,
            keepalive: UInt16(clamping: keepalive),
            comment: comment,
            validity: validity,
            isEnabled: !isDisabled
        )
    }
}

extension Checker {
    fileprivate mutating func refuseTheGateways(_ gateway: InterfaceRecord, _ peer: NewPeer, _ path: String) {
        if gateway.hasKey(peer.publicKey) {
            refuse(path + ".public_key", "this is a key of \(gateway.name) itself")
        }
        for (index, address) in peer.addresses.enumerated()
        where gateway.addresses.contains(where: { $0.address == address }) {
            refuse("\(path).addresses[\(index)]", "this is the address of \(gateway.name) itself")
        }
    }
}

/// What may occur only once in a request, with the field in which it occurred first.
private struct UniqueValues {
    private var names: [ObjectName: String] = [:]
    private var keys: [PublicKey: String] = [:]
    private var prefixes: [(prefix: IPPrefix, field: String)] = []

    mutating func claim(_ peer: NewPeer, _ path: String, _ checker: inout Checker) {
        if let first = names.updateValue(path, forKey: peer.name) {
            checker.refuse(path + ".name", "same as \(first).name")
        }
        if let first = keys.updateValue(path, forKey: peer.publicKey) {
            checker.refuse(path + ".public_key", "same as \(first).public_key")
        }
        for (index, address) in peer.addresses.enumerated() {
            prefixes.append((IPPrefix(host: address), "\(path).addresses[\(index)]"))
        }
        for (index, prefix) in peer.routed.enumerated() {
            prefixes.append((prefix, "\(path).allowed_addresses[\(index)]"))
        }
    }

    /// Two prefixes overlap only if one includes the other, so that in their order each need be held against the last
    /// one that did not lie inside another.
    func refuseOverlaps(_ checker: inout Checker) {
        var outer: (prefix: IPPrefix, field: String)?
        for entry in prefixes.sorted(by: { $0.prefix < $1.prefix }) {
            if let outer, outer.prefix.overlaps(entry.prefix) {
                checker.refuse(entry.field, "\(entry.prefix) overlaps \(outer.prefix) in \(outer.field)")
            } else {
                outer = entry
            }
        }
    }
}
