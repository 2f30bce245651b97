// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What is to be changed of an interface; nil and `keep` leave it alone.
package struct InterfaceUpdate: Hashable, Sendable {
    package var mtu: UInt32?
    package var listenPort: UInt16?
    package var endpoint: Update<String> = .keep
    /// 0 clears.
    package var firewallMark: UInt32?
    package var dns: [IPAddress]?
    package var isUp: Bool?
    package var driftPolicy: DriftPolicy?

    package init() {}

    /// What takes this back from an interface that was as the record has it.
    func undone(to record: InterfaceRecord) -> InterfaceUpdate {
        var undo = InterfaceUpdate()
        if mtu != nil { undo.mtu = record.mtu }
        if listenPort != nil { undo.listenPort = record.listenPort }
        undo.endpoint = endpoint.undone(to: record.endpoint)
        if firewallMark != nil { undo.firewallMark = record.firewallMark }
        if dns != nil { undo.dns = record.dns }
        if isUp != nil { undo.isUp = record.isUp }
        if driftPolicy != nil { undo.driftPolicy = record.driftPolicy }
        return undo
    }

    /// The interface as it is to be.
    package func applied(to record: InterfaceRecord) -> InterfaceRecord {
        var record = record
        record.mtu = mtu ?? record.mtu
        record.listenPort = listenPort ?? record.listenPort
        record.endpoint = endpoint.applied(to: record.endpoint)
        record.firewallMark = firewallMark ?? record.firewallMark
        record.dns = dns ?? record.dns
        record.isUp = isUp ?? record.isUp
        record.driftPolicy = driftPolicy ?? record.driftPolicy
        return record
    }

    /// For the list of revisions.
    package var summary: String {
        let words: [String?] = [
            mtu.map { "MTU \($0)" }, listenPort.map { "listen port \($0)" }, endpoint.word("endpoint"),
            firewallMark.map { $0 == 0 ? "no firewall mark" : "firewall mark \($0)" },
            dns.map { $0.isEmpty ? "no DNS" : "DNS" }, isUp.map { $0 ? "up" : "down" },
            driftPolicy.map { "drift policy \($0)" },
        ]
        return words.compactMap(\.self).joined(separator: ", ")
    }
}

/// What is to be changed of a peer; nil and `keep` leave it alone.
package struct PeerUpdate: Hashable, Sendable {
    package var publicKey: PublicKey?
    package var addresses: [IPAddress]?
    package var routed: [IPPrefix]?
    package var endpoint: Update<PeerEndpoint> = .keep
    /// Seconds; 0 switches it off.
    package var keepalive: UInt16?
    package var presharedKey: Update<SealedPresharedKey> = .keep
    package var comment: String?
    package var validFrom: Update<Timestamp> = .keep
    package var validUntil: Update<Timestamp> = .keep

    package init() {}

    /// What takes this back from a peer that was as the record has it.
    func undone(to record: PeerRecord) -> PeerUpdate {
        var undo = PeerUpdate()
        if publicKey != nil { undo.publicKey = record.publicKey }
        if addresses != nil { undo.addresses = record.addresses }
        if routed != nil { undo.routed = record.routed }
        undo.endpoint = endpoint.undone(to: record.endpoint)
        if keepalive != nil { undo.keepalive = record.keepalive }
        undo.presharedKey = presharedKey.undone(to: record.presharedKey)
        if comment != nil { undo.comment = record.comment }
        undo.validFrom = validFrom.undone(to: record.validity.from)
        undo.validUntil = validUntil.undone(to: record.validity.until)
        return undo
    }

    /// The peer as it is to be.
    package func applied(to record: PeerRecord) -> PeerRecord {
        var record = record
        record.publicKey = publicKey ?? record.publicKey
        record.addresses = addresses ?? record.addresses
        record.routed = routed ?? record.routed
        record.endpoint = endpoint.applied(to: record.endpoint)
        record.keepalive = keepalive ?? record.keepalive
        record.presharedKey = presharedKey.applied(to: record.presharedKey)
        record.comment = comment ?? record.comment
        record.validity.from = validFrom.applied(to: record.validity.from)
        record.validity.until = validUntil.applied(to: record.validity.until)
        return record
    }

    /// For the list of revisions.
    package var summary: String {
        let words: [String?] = [
            publicKey.map { _ in "new key" }, presharedKey.word("preshared key"), addresses.map { _ in "addresses" },
            routed.map { _ in "allowed addresses" }, endpoint.word("endpoint"),
            keepalive.map { $0 == 0 ? "no keepalive" : "keepalive \($0) s" }, comment.map { _ in "comment" },
            validFrom.word("beginning"), validUntil.word("end"),
        ]
        return words.compactMap(\.self).joined(separator: ", ")
    }
}

extension Update {
    /// What there is afterwards.
    package func applied(to value: Value?) -> Value? {
        switch self {
        case .keep: value
        case .clear: nil
        case .set(let new): new
        }
    }

    /// What takes this back where the value was `old`.
    fileprivate func undone(to old: Value?) -> Update {
        if case .keep = self { return .keep }
        return old.map { .set($0) } ?? .clear
    }

    fileprivate func word(_ what: String) -> String? {
        switch self {
        case .keep: nil
        case .clear: "no \(what)"
        case .set: "new \(what)"
        }
    }
}
