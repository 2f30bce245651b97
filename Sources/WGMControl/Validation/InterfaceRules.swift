// SPDX-License-Identifier: Apache-2.0

internal import WGMModel
internal import WGMVerify

/// An interface that was asked for, checked, and without what the daemon adds: id, keys.
struct CheckedInterface: Hashable, Sendable {
    var name: InterfaceName
    var backend: Backend
    var mtu: UInt32
    var listenPort: UInt16?
    var endpoint: String?
    var ipv6Pool: IPPrefix?
    var ipv4Pool: IPPrefix?
    var firewallMark: UInt32
    var dns: [IPAddress]
    var isUp: Bool
    var driftPolicy: DriftPolicy

    func new(id: InterfaceID, publicKey: PublicKey, sealedKey: SealedKey) -> NewInterface {
        NewInterface(
            id: id,
            name: name,
            backend: backend,
            isUp: isUp,
            mtu: mtu,
            listenPort: listenPort,
            publicKey: publicKey,
            sealedKey: sealedKey,
            ipv6Pool: ipv6Pool,
            ipv4Pool: ipv4Pool,
            endpoint: endpoint,
            firewallMark: firewallMark,
            dns: dns,
            driftPolicy: driftPolicy,
            uniqueLocalPrefixIfNone: .randomUniqueLocal()
        )
    }
}

extension IPPrefix {
    /// A /48 with 40 random bits under `fd00::/8` (RFC 4193).
    static func randomUniqueLocal() -> IPPrefix {
        let bits = RandomBytes.make(5).reduce(UInt128(0xfd)) { $0 << 8 | UInt128($1) } << 80
        return IPPrefix(masking: IPAddress(v6: bits), length: 48) ?? IPPrefix(host: IPAddress(v6: bits))
    }
}

extension InterfaceRequest {
    static let defaultMTU: UInt32 = 1420
    static let maxResolvers = 8

    func checked() throws(Refusal) -> CheckedInterface {
        var checker = Checker()
        let name = checker.interfaceName(name, "name")
        let backend = Backend(rawValue: UInt8(exactly: backend ?? 0) ?? .max)
        if backend == nil { checker.refuse("backend", "0 (automatic), 1 (kernel) or 2 (userspace)") }
        let policy = DriftPolicy(rawValue: UInt8(exactly: driftPolicy ?? 0) ?? .max)
        if policy == nil { checker.refuse("drift_policy", "0 (repair), 1 (report) or 2 (adopt)") }
        let mtu = checker.number(mtu, in: 1280...65535, else: Self.defaultMTU, "mtu")
        let port = listenPort.map { checker.number($0, in: 1...65535, else: 0, "listen_port") }
        let dialed = endpoint.flatMap { $0.isEmpty ? nil : $0 }
        if let dialed, DialAddress(dialed) == nil { checker.refuse("endpoint", DialAddress.rule) }
        let ipv6Pool = ipv6Pool.flatMap { checker.pool($0, .v6, lengths: 48...120, "ipv6_pool") }
        let ipv4Pool = ipv4Pool.flatMap { checker.pool($0, .v4, lengths: 8...30, "ipv4_pool") }
        if dns.count > Self.maxResolvers { checker.refuse("dns", "at most \(Self.maxResolvers) addresses") }
        let resolvers = dns.prefix(Self.maxResolvers).enumerated().compactMap {
            checker.hostAddress($0.element, "dns[\($0.offset)]")
        }
        try checker.finish()
        guard let name, let backend, let policy else { throw .invalid([]) }
        return CheckedInterface(
            name: name,
            backend: backend,
            mtu: mtu,
            listenPort: port.flatMap { UInt16(exactly: $0) },
            endpoint: dialed.flatMap { DialAddress($0)?.description },
            ipv6Pool: ipv6Pool,
            ipv4Pool: ipv4Pool,
            firewallMark: firewallMark ?? 0,
            dns: resolvers,
            isUp: !isDown,
            driftPolicy: policy
        )
    }
}

extension Checker {
    mutating func pool(
        _ text: String,
        _ family: AddressFamily,
        lengths: ClosedRange<UInt8>,
        _ field: String
    ) -> IPPrefix? {
        guard let prefix = prefix(text, field) else { return nil }
        guard prefix.family == family, lengths.contains(prefix.length) else {
            let words = family == .v4 ? "IPv4" : "IPv6"
            refuse(field, "an \(words) prefix of length /\(lengths.lowerBound) to /\(lengths.upperBound)")
            return nil
        }
        return prefix
    }
}
