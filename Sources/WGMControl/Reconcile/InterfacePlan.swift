// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// The difference between what an interface is to be and what it is, as the least that the kernel must be told.
///
/// Three things are left alone. Link-local addresses, which wgm never gives out. Routes that are not ours, since a dump does
/// not show them. And the endpoint of a peer that the kernel has one for: the peer may have roamed, and what the database
/// holds is only where to send before it was heard. One that is a name is another's job: `EndpointKeeper`.
///
/// Routes are made for the allowed addresses of enabled peers, except those that lie on-link anyway, and except prefixes as
/// wide as a default route: putting these into the main table would pull the gateway's own traffic, the tunnel's included,
/// into the tunnel. WireGuard accepts and sends them all the same, for whoever routes to the interface by a policy.
package struct InterfacePlan: Hashable, Sendable {
    /// In the order in which they are to be made.
    package private(set) var changes: [KernelChange] = []
    /// What differs, in words, for the audit record of a repair.
    package private(set) var differences: [String] = []

    package var isEmpty: Bool { changes.isEmpty }

    /// `actual` must carry this interface's mark, or be nil if there is no link.
    package init(interface: InterfaceRecord, peers: [PeerRecord], actual: ActualInterface?) {
        let wanted = WantedInterface(interface, peers, actual)
        let present = actual ?? ActualInterface(name: interface.name, owner: interface.id, backend: interface.backend)
        if actual == nil {
            add(.createLink(backend: interface.backend, mtu: interface.mtu), "there was no link")
        }
        let peers = PeerDifferences(wanted, present)
        let isGoingDown = present.isUp && !interface.isUp
        let mtu = actual != nil && present.mtu != interface.mtu ? interface.mtu : nil
        if isGoingDown { addLink(mtu: mtu, isUp: false, present) }
        addRemovals(wanted, present, peers.surplus, isGoingDown: isGoingDown)
        addDevice(interface, present)
        addPeers(peers.differing)
        if !isGoingDown { addLink(mtu: mtu, isUp: interface.isUp && !present.isUp ? true : nil, present) }
        if interface.isUp { addAddressesAndRoutes(wanted, present) }
    }

    private mutating func add(_ change: KernelChange, _ difference: String) {
        changes.append(change)
        differences.append(difference)
    }

    private mutating func addLink(mtu: UInt32?, isUp: Bool?, _ present: ActualInterface) {
        guard mtu != nil || isUp != nil else { return }
        var words: [String] = []
        if let mtu { words.append("the MTU was \(present.mtu), not \(mtu)") }
        if let isUp { words.append(isUp ? "the link was down" : "the link was up") }
        add(.setLink(mtu: mtu, isUp: isUp), words.joined(separator: " and "))
    }

    private mutating func addRemovals(
        _ wanted: WantedInterface,
        _ present: ActualInterface,
        _ peers: [PublicKey],
        isGoingDown: Bool
    ) {
        let routes = isGoingDown ? [] : present.routes.subtracting(wanted.routes).sorted()
        if !routes.isEmpty { add(.removeRoutes(routes), "routes too many: \(list(routes))") }
        let addresses = present.addresses.subtracting(wanted.addresses).filter { !$0.address.isLinkLocal }.sorted()
        if !addresses.isEmpty { add(.removeAddresses(addresses), "addresses too many: \(list(addresses))") }
        if !peers.isEmpty { add(.removePeers(peers), "peers too many: \(list(peers))") }
    }

    private mutating func addDevice(_ interface: InterfaceRecord, _ present: ActualInterface) {
        let hasOtherKey = present.publicKey != interface.publicKey
        let hasOtherPort = present.listenPort != interface.listenPort
        let hasOtherMark = present.firewallMark != interface.firewallMark
        guard hasOtherKey || hasOtherPort || hasOtherMark else { return }
        let words = [
            hasOtherKey ? "the private key was another or missing" : nil,
            hasOtherPort ? "the listen port was \(present.listenPort), not \(interface.listenPort)" : nil,
            hasOtherMark ? "the firewall mark was \(present.firewallMark), not \(interface.firewallMark)" : nil,
        ]
        let change = KernelChange.setDevice(
            privateKey: hasOtherKey ? interface.sealedKey : nil,
            listenPort: hasOtherPort ? interface.listenPort : nil,
            firewallMark: hasOtherMark ? interface.firewallMark : nil
        )
        add(change, words.compactMap { $0 }.joined(separator: " and "))
    }

    private mutating func addPeers(_ differing: [PeerDifference]) {
        guard !differing.isEmpty else { return }
        add(.setPeers(differing.map(\.change)), "peers that differed: \(list(differing))")
    }

    /// The kernel forgets IPv6 addresses and all routes of a link that goes down, so these are only made while it is up.
    private mutating func addAddressesAndRoutes(_ wanted: WantedInterface, _ present: ActualInterface) {
        let addresses = wanted.addresses.subtracting(present.addresses).sorted()
        if !addresses.isEmpty { add(.addAddresses(addresses), "addresses missing: \(list(addresses))") }
        let routes = wanted.routes.subtracting(present.routes).sorted()
        if !routes.isEmpty { add(.addRoutes(routes), "routes missing: \(list(routes))") }
    }

    private func list(_ items: [some CustomStringConvertible]) -> String {
        let shown = items.prefix(8).map(\.description).joined(separator: " ")
        return items.count <= 8 ? shown : "\(shown) and \(items.count - 8) more"
    }
}

/// What the kernel is to hold, derived from the records.
struct WantedInterface {
    let addresses: Set<InterfaceAddress>
    let routes: Set<IPPrefix>
    /// Those that are let in.
    let peers: [PeerRecord]

    init(_ interface: InterfaceRecord, _ peers: [PeerRecord], _ actual: ActualInterface?) {
        self.peers = peers.filter(\.isEnabled)
        addresses = Set(interface.addresses)
        guard interface.isUp else {
            routes = []
            return
        }
        let networks = interface.addresses.map(\.prefix)
        // What the kernel makes by itself, until somebody takes it away: then wgm's own stands in.
        let unrouted = networks.filter { actual?.unroutedNetworks.contains($0) == true }
        routes = Self.routes(of: self.peers, onLink: networks).union(unrouted)
    }

    private static func routes(of peers: [PeerRecord], onLink: [IPPrefix]) -> Set<IPPrefix> {
        var routes: Set<IPPrefix> = []
        func add(_ prefix: IPPrefix) {
            if !prefix.isWide, !onLink.contains(where: { $0.covers(prefix) }) { routes.insert(prefix) }
        }
        for peer in peers {
            for address in peer.addresses { add(IPPrefix(host: address)) }
            for prefix in peer.routed { add(prefix) }
        }
        return routes
    }

    var peersByKey: [PublicKey: PeerRecord] {
        Dictionary(peers.map { ($0.publicKey, $0) }) { first, _ in first }
    }

    var prefixOwners: [IPPrefix: PublicKey] {
        let pairs = peers.flatMap { peer in peer.allowedAddresses.map { ($0, peer.publicKey) } }
        return Dictionary(pairs) { first, _ in first }
    }
}

/// Which peers must be told or removed.
///
/// This runs every few seconds over every peer, and mostly finds nothing: so nothing is made until something differs.
private struct PeerDifferences {
    private(set) var differing: [PeerDifference] = []
    private(set) var surplus: [PublicKey] = []

    init(_ wanted: WantedInterface, _ present: ActualInterface) {
        var held = 0
        var suspects: [PeerRecord] = []
        var mayBeStale = false
        for peer in wanted.peers {
            let actual = present.peers[peer.publicKey]
            if let actual {
                held += 1
                if actual.holdsAll(of: peer) { continue }
                mayBeStale = mayBeStale || !actual.allowedAddresses.isEmpty
            }
            suspects.append(peer)
        }
        if held < present.peers.count {
            let keys = Set(wanted.peers.map(\.publicKey))
            surplus = present.peers.keys.filter { !keys.contains($0) }.sorted()
        }
        let owners = mayBeStale ? wanted.prefixOwners : [:]
        differing = suspects.sorted { $0.publicKey < $1.publicKey }.compactMap { peer in
            PeerDifference(peer, present.peers[peer.publicKey], owners: owners)
        }
    }
}

extension ActualPeer {
    /// Of a key that a sealed keeper cannot tell from another it is believed.
    func holds(_ wanted: SealedPresharedKey?) -> Bool {
        presharedKey == wanted?.mark || (wanted != nil && presharedKey == .unknown)
    }

    /// True only if there is nothing to tell about the peer.
    fileprivate func holdsAll(of peer: PeerRecord) -> Bool {
        keepalive == peer.keepalive && (endpoint != nil || peer.endpoint?.address == nil) && holds(peer.presharedKey)
            && allowedAddresses.count == peer.addresses.count + peer.routed.count
            && peer.addresses.allSatisfy { allowedAddresses.contains(IPPrefix(host: $0)) }
            && peer.routed.allSatisfy { allowedAddresses.contains($0) }
    }
}

/// What must be told about one peer; nil when nothing.
private struct PeerDifference: CustomStringConvertible {
    private(set) var change: PeerChange
    private var words: [String] = []
    private let name: ObjectName

    var description: String { "\(name) (\(words.joined(separator: ", ")))" }

    init?(_ peer: PeerRecord, _ actual: ActualPeer?, owners: [IPPrefix: PublicKey]) {
        name = peer.name
        change = PeerChange(publicKey: peer.publicKey)
        let present = actual ?? ActualPeer()
        if actual == nil { words.append("missing") } else { change.updateOnly = true }
        if !present.holds(peer.presharedKey) {
            change.presharedKey = peer.presharedKey.map { .set($0.key) } ?? .clear
            let was = present.presharedKey == nil ? "had no preshared key" : "had another preshared key"
            words.append(peer.presharedKey == nil ? "had a preshared key" : was)
        }
        if present.endpoint == nil, let endpoint = peer.endpoint?.address {
            change.endpoint = endpoint
            words.append("had no endpoint")
        }
        if present.keepalive != peer.keepalive {
            change.keepalive = peer.keepalive
            words.append("keepalive was \(present.keepalive)")
        }
        addPrefixes(PrefixSet(peer.allowedAddresses), present.allowedAddresses, owners)
        guard !words.isEmpty else { return nil }
    }

    /// A prefix that goes to another peer is not taken away here: the kernel moves it in one step when the other gets it.
    private mutating func addPrefixes(
        _ wanted: PrefixSet,
        _ present: PrefixSet,
        _ owners: [IPPrefix: PublicKey]
    ) {
        let isStale = present.subtracting(wanted).contains { owners[$0] == nil }
        let missing = wanted.subtracting(present)
        if isStale {
            change.replaceAllowedAddresses = true
            change.addAllowedAddresses = Array(wanted)
            words.append("allowed addresses too many")
        } else if !missing.isEmpty {
            change.addAllowedAddresses = missing
            words.append("allowed addresses missing")
        }
    }
}
