// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// An interface to be taken over, as it came from the wire.
package struct ImportRequest: Sendable {
    package var name: String?
    /// Everything that is not said here is as the kernel has it; without a link of the name it is refused.
    package var isFromKernel = false
    /// Of the private key; needed unless it is from the kernel.
    package var publicKey: String?
    /// Encrypted to the keeper.
    package var privateKey: [UInt8]?
    package var listenPort: UInt32?
    package var firewallMark: UInt32?
    package var mtu: UInt32?
    package var addresses: [String] = []
    package var dns: [String] = []
    /// What peers dial.
    package var endpoint: String?
    package var peers: [PeerRequest] = []

    package init() {}
}

/// An import that was checked: what is to be made, without its secrets.
struct ImportPlan: Sendable {
    static let maxPeers = 100_000
    private static let maxAddresses = 64

    struct Peer: Sendable {
        var peer: NewPeer
        /// Among the boxes; nil when its preshared key, if it has one, is the kernel's.
        var box: Int?
        /// As the kernel shows it.
        var mark: KeyMark?
    }

    let name: InterfaceName
    /// The link that is taken over; nil when one is to be made.
    let link: ActualInterface?
    private(set) var publicKey: PublicKey
    private(set) var listenPort: UInt16?
    private(set) var mtu: UInt32
    private(set) var firewallMark: UInt32
    private(set) var addresses: [InterfaceAddress] = []
    private(set) var dns: [IPAddress] = []
    private(set) var endpoint: String?
    private(set) var peers: [Peer] = []
    /// What the keeper is to open: the private key, unless it is the link's, then preshared keys.
    private(set) var boxes: [SecretBox] = []
    private(set) var remarks: [String] = []

    init(_ request: ImportRequest, name: InterfaceName, link: ActualInterface?) throws(Refusal) {
        self.name = name
        self.link = link
        var checker = Checker()
        publicKey = try Self.key(request, name, link, &checker)
        let zero: UInt32? = request.listenPort == 0 ? nil : request.listenPort
        let port = zero.map { checker.number($0, in: 1...65535, else: 0, "listen_port") }
        let runningPort = link.flatMap { $0.listenPort == 0 ? nil : UInt32($0.listenPort) }
        listenPort = (runningPort ?? port).flatMap { UInt16(exactly: $0) }
        mtu = checker.number(link?.mtu ?? request.mtu, in: 1280...65535, else: InterfaceRequest.defaultMTU, "mtu")
        firewallMark = link?.firewallMark ?? request.firewallMark ?? 0
        let dialed = request.endpoint.flatMap { $0.isEmpty ? nil : $0 }
        if let dialed, DialAddress(dialed) == nil { checker.refuse("endpoint", DialAddress.rule) }
        endpoint = dialed.flatMap { DialAddress($0)?.description }
        dns = request.dns.prefix(8).enumerated().compactMap { checker.hostAddress($0.element, "dns[\($0.offset)]") }
        if request.dns.count > 8 { checker.refuse("dns", "at most 8 addresses") }
        if link == nil, let box = checker.secretBox(request.privateKey, "private_key") { boxes.append(box) }
        takeAddresses(request, &checker)
        takePeers(request, &checker)
        refuseOverlaps(&checker)
        try checker.finish()
        remarks = remarks(on: request, port: port)
    }

    private static func key(
        _ request: ImportRequest,
        _ name: InterfaceName,
        _ link: ActualInterface?,
        _ checker: inout Checker
    ) throws(Refusal) -> PublicKey {
        if let link {
            guard link.owner == nil else { throw .kernel(Step.stranger(name), undoneBy: nil) }
            guard let key = link.publicKey else {
                throw .kernel(
                    KernelFailure(
                        .notOurs,
                        "the link \(name) is no WireGuard with a private key, or one whose socket the keeper may not open"
                    ),
                    undoneBy: nil
                )
            }
            guard request.isFromKernel || request.publicKey == key.description else {
                throw .kernel(
                    KernelFailure(
                        .notOurs,
                        "there is a link \(name) with another private key than the file's: it is not what runs; "
                            + "import it under another name, or stop the link first"
                    ),
                    undoneBy: nil
                )
            }
            return key
        }
        guard !request.isFromKernel else {
            throw .kernel(KernelFailure(.noSuchInterface, "there is no link \(name)"), undoneBy: nil)
        }
        let key = checker.publicKey(request.publicKey, "public_key")
        try checker.finish()
        guard let key else { throw .invalid([]) }
        return key
    }

    /// Of a running link all addresses stay, and none is added.
    private mutating func takeAddresses(_ request: ImportRequest, _ checker: inout Checker) {
        if let link {
            addresses = link.addresses.filter { !$0.address.isLinkLocal }.sorted()
            return
        }
        if request.addresses.count > Self.maxAddresses {
            checker.refuse("addresses", "at most \(Self.maxAddresses) addresses")
        }
        for (index, text) in request.addresses.prefix(Self.maxAddresses).enumerated() {
            let field = "addresses[\(index)]"
            guard let address = InterfaceAddress(text) else {
                checker.refuse(field, "an address with a length, such as 10.0.0.1/24")
                continue
            }
            if let fault = address.address.hostFault {
                checker.refuse(field, fault)
            } else if addresses.contains(where: { $0.address == address.address }) {
                checker.refuse(field, "\(address.address) is there twice")
            } else {
                addresses.append(address)
            }
        }
    }
}

extension ImportPlan {
    /// The on-link prefixes of the gateway's first addresses that peers can be given addresses from.
    var ipv6Pool: IPPrefix? { pool(.v6, 48...120) }
    var ipv4Pool: IPPrefix? { pool(.v4, 8...30) }

    private func pool(_ family: AddressFamily, _ lengths: ClosedRange<UInt8>) -> IPPrefix? {
        addresses.first { $0.address.family == family && lengths.contains($0.length) }?.prefix
    }

    /// Peers of the running link are as the kernel has them; the request gives their names, and further peers.
    private mutating func takePeers(_ request: ImportRequest, _ checker: inout Checker) {
        if request.peers.count > Self.maxPeers || link?.peers.count ?? 0 > Self.maxPeers {
            checker.refuse("peers", "at most \(Self.maxPeers) peers")
        }
        var names: Set<ObjectName> = []
        var keys: Set<PublicKey> = []
        for (index, wanted) in request.peers.prefix(Self.maxPeers).enumerated() {
            let path = "peers[\(index)]"
            guard let peer = wanted.checked(path, &checker) else { continue }
            if !names.insert(peer.name).inserted { checker.refuse(path + ".name", "\(peer.name) is there twice") }
            if !keys.insert(peer.publicKey).inserted { checker.refuse(path + ".public_key", "it is there twice") }
            if peer.publicKey == publicKey {
                checker.refuse(path + ".public_key", "this is the key of \(name) itself")
            }
            take(peer, checker.secretBox(wanted.presharedKey, path + ".preshared_key"), &checker)
        }
        for key in (link?.peers.keys.sorted() ?? []) where !keys.contains(key) {
            guard var name = Self.name(of: key) else { continue }
            var number = 1
            while !names.insert(name).inserted {
                number += 1
                name = ObjectName("\(Self.name(of: key)?.value ?? "peer")-\(number)") ?? name
            }
            take(NewPeer(name: name, publicKey: key, comment: "imported from the kernel"), nil, &checker)
        }
    }

    private static func name(of key: PublicKey) -> ObjectName? {
        ObjectName("key-" + String(key.description.prefix(8).map { $0 == "/" ? "_" : $0 }))
    }

    private mutating func take(_ wanted: NewPeer, _ box: SecretBox?, _ checker: inout Checker) {
        var peer = wanted
        let actual = link?.peers[peer.publicKey]
        if let actual {
            // A name goes on saying where to look when the session has ended.
            if peer.endpoint?.name == nil { peer.endpoint = actual.endpoint.map { .address($0) } }
            peer.keepalive = actual.keepalive
        }
        let prefixes =
            actual.map { $0.allowedAddresses.sorted() } ?? (peer.addresses.map { IPPrefix(host: $0) } + peer.routed)
        for prefix in Set(prefixes).sorted() {
            if let fault = prefix.routeFault { checker.refuse("peer \(peer.name)", "\(prefix): \(fault)") }
        }
        let pools = [ipv6Pool, ipv4Pool].compactMap(\.self)
        let isOwn = { (prefix: IPPrefix) in
            prefix.isHost && pools.contains { $0.contains(prefix.address) && !$0.isEdge(prefix.address) }
        }
        var seen: Set<IPPrefix> = []
        let unique = prefixes.filter { seen.insert($0).inserted }
        peer.addresses = unique.filter(isOwn).map(\.address)
        peer.routed = unique.filter { !isOwn($0) }
        guard actual == nil, let box else {
            peers.append(Peer(peer: peer, box: nil, mark: actual?.presharedKey))
            return
        }
        peers.append(Peer(peer: peer, box: boxes.count, mark: nil))
        boxes.append(box)
    }

    /// Two peers cannot have prefixes inside each other, and none can have the gateway's own address; all are told.
    private func refuseOverlaps(_ checker: inout Checker) {
        let held = peers.flatMap { entry in
            (entry.peer.addresses.map { IPPrefix(host: $0) } + entry.peer.routed).map { ($0, entry.peer.name) }
        }
        for (prefix, peer) in held where prefix.length > 0 {
            if let own = addresses.first(where: { prefix.contains($0.address) }) {
                checker.refuse("peer \(peer)", "\(prefix) holds \(own.address), the address of \(name) itself")
            }
        }
        var holding: [(prefix: IPPrefix, peer: ObjectName)] = []
        for (prefix, peer) in held.sorted(by: { $0.0 < $1.0 }) {
            while let last = holding.last, !last.prefix.overlaps(prefix) { holding.removeLast() }
            if let other = holding.first(where: { $0.peer != peer }) {
                checker.refuse("peer \(peer)", "\(prefix) overlaps \(other.prefix) of peer \(other.peer)")
            }
            holding.append((prefix, peer))
        }
    }
}

extension IPPrefix {
    /// True for the address that names the network, and in IPv4 for the one of broadcasts.
    fileprivate func isEdge(_ other: IPAddress) -> Bool {
        let last = address.bits + ((UInt128(1) << (family.bitCount - Int(length))) - 1)
        return other == address || family == .v4 && other.bits == last
    }
}
