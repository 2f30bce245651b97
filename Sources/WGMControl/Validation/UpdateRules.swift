// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension InterfaceUpdateRequest {
    func checked() throws(Refusal) -> (InterfaceName, InterfaceUpdate) {
        var checker = Checker()
        let name = checker.interfaceName(name, "name")
        var update = InterfaceUpdate()
        update.mtu = mtu.map { checker.number($0, in: 1280...65535, else: 0, "mtu") }
        let port = listenPort.map { checker.number($0, in: 1...65535, else: 0, "listen_port") }
        update.listenPort = port.flatMap { UInt16(exactly: $0) }
        if let endpoint {
            let address = endpoint.isEmpty ? nil : DialAddress(endpoint)
            if !endpoint.isEmpty, address == nil { checker.refuse("endpoint", DialAddress.rule) }
            update.endpoint = address.map { .set($0.description) } ?? .clear
        }
        update.firewallMark = firewallMark
        if let dns {
            let limit = InterfaceRequest.maxResolvers
            if dns.count > limit { checker.refuse("dns", "at most \(limit) addresses") }
            update.dns = dns.prefix(limit).enumerated().compactMap {
                checker.hostAddress($0.element, "dns[\($0.offset)]")
            }
        }
        update.isUp = isUp
        if let driftPolicy {
            update.driftPolicy = DriftPolicy(rawValue: UInt8(exactly: driftPolicy) ?? .max)
            if update.driftPolicy == nil { checker.refuse("drift_policy", "0 (repair), 1 (report) or 2 (adopt)") }
        }
        if update == InterfaceUpdate() { checker.refuse("name", "nothing is to be changed") }
        try checker.finish()
        guard let name else { throw .invalid([]) }
        return (name, update)
    }
}

/// A change of a peer, checked, and the preshared key that only the keeper can read.
struct CheckedPeerUpdate {
    var interface: InterfaceName
    var name: ObjectName
    var update: PeerUpdate
    var presharedKey: SecretBox?
}

extension PeerUpdateRequest {
    func checked() throws(Refusal) -> CheckedPeerUpdate {
        var checker = Checker()
        let interface = checker.interfaceName(interface, "interface")
        let name = checker.objectName(name, "name")
        var update = PeerUpdate()
        update.publicKey = publicKey.flatMap { checker.publicKey($0, "public_key") }
        checkPrefixes(&update, &checker)
        if let endpoint {
            let address = endpoint.isEmpty ? nil : checker.endpoint(endpoint, "endpoint")
            update.endpoint = address.map { .set($0) } ?? .clear
        }
        update.keepalive = keepalive.map {
            UInt16(clamping: checker.number($0, in: 0...65535, else: 0, "keepalive_s"))
        }
        update.comment = comment.map { checker.comment($0, "comment") }
        let box = checker.secretBox(presharedKey, "preshared_key")
        if presharedKey?.isEmpty == true { update.presharedKey = .clear }
        update.validFrom = checker.update(validFrom, "valid_from_unix_ms")
        update.validUntil = checker.update(validUntil, "valid_until_unix_ms")
        if update == PeerUpdate(), presharedKey == nil { checker.refuse("name", "nothing is to be changed") }
        try checker.finish()
        guard let interface, let name else { throw .invalid([]) }
        return CheckedPeerUpdate(interface: interface, name: name, update: update, presharedKey: box)
    }

    private func checkPrefixes(_ update: inout PeerUpdate, _ checker: inout Checker) {
        if let addresses {
            let limit = PeerRequest.maxAddresses
            if addresses.count > limit { checker.refuse("addresses", "at most \(limit) addresses") }
            update.addresses = addresses.prefix(limit).enumerated().compactMap {
                checker.hostAddress($0.element, "addresses[\($0.offset)]")
            }
        }
        if let allowedAddresses {
            let limit = PeerRequest.maxPrefixes
            if allowedAddresses.count > limit { checker.refuse("allowed_addresses", "at most \(limit) prefixes") }
            update.routed = allowedAddresses.prefix(limit).enumerated().compactMap {
                checker.prefix($0.element, "allowed_addresses[\($0.offset)]")
            }
        }
    }
}

extension Checker {
    /// Milliseconds since 1970, up to the year 9999.
    private static let moments: ClosedRange<Int64> = 1...253_402_300_799_999

    /// nil when there is none.
    mutating func moment(_ milliseconds: Int64?, _ field: String) -> Timestamp? {
        guard let milliseconds, milliseconds != 0 else { return nil }
        guard Self.moments.contains(milliseconds) else {
            refuse(field, "a time from 1970 to 9999")
            return nil
        }
        return Timestamp(milliseconds: milliseconds)
    }

    /// 0 clears.
    mutating func update(_ milliseconds: Int64?, _ field: String) -> Update<Timestamp> {
        guard milliseconds != nil else { return .keep }
        return moment(milliseconds, field).map { .set($0) } ?? .clear
    }

    mutating func refuseEmpty(_ validity: Validity, _ field: String) {
        guard let from = validity.from, let until = validity.until, until <= from else { return }
        refuse(field, "it must end after it begins")
    }
}
