// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What of an interface's drift the database takes over.
///
/// Taken over: MTU, up or down, listen port, firewall mark, further addresses of the gateway, new peers, and of known peers
/// keepalive and allowed addresses. A peer that was removed is disabled: nothing of it is forgotten, its addresses stay its own.
///
/// Never taken over, and so repaired: another private key (peers trust the one that wgm holds), a missing link, routes (they
/// follow from allowed addresses), a preshared key (no dump shows it), a peer that wgm has disabled (what was revoked stays
/// revoked), and the gateway's own addresses, which peers were told. Addresses of a family that are all gone were lost with
/// the link going down, and come back.
package struct Adoption: Hashable, Sendable {
    package private(set) var isUp: Bool?
    package private(set) var mtu: UInt32?
    package private(set) var listenPort: UInt16?
    package private(set) var firewallMark: UInt32?
    package private(set) var addedAddresses: [InterfaceAddress] = []
    package private(set) var removedAddresses: [InterfaceAddress] = []
    package private(set) var newPeers: [NewPeer] = []
    package private(set) var disabledPeers: [ObjectName] = []
    /// By their present names, with what is new of them.
    package private(set) var changedPeers: [NewPeer] = []

    package var isEmpty: Bool { words.isEmpty }

    package init(interface: InterfaceRecord, peers: [PeerRecord], actual: ActualInterface?) {
        guard let actual else { return }
        if actual.isUp != interface.isUp { isUp = actual.isUp }
        if actual.mtu != interface.mtu, (1280...65535).contains(actual.mtu) { mtu = actual.mtu }
        if actual.listenPort != interface.listenPort, actual.listenPort > 0 { listenPort = actual.listenPort }
        if actual.firewallMark != interface.firewallMark { firewallMark = actual.firewallMark }
        // While the link is down or was just set up, what is missing was not removed by anybody.
        if actual.isUp, interface.isUp { takeAddresses(interface, actual) }
        let known = Dictionary(peers.map { ($0.publicKey, $0) }) { first, _ in first }
        for key in actual.peers.keys.sorted() where known[key] == nil && key != interface.publicKey {
            if let peer = actual.peers[key] { takeNew(key, peer, interface) }
        }
        for peer in peers.sorted(by: { $0.name < $1.name }) where peer.isEnabled {
            take(peer, actual.peers[peer.publicKey], interface)
        }
    }

    private mutating func takeAddresses(_ interface: InterfaceRecord, _ actual: ActualInterface) {
        let wanted = Set(interface.addresses)
        addedAddresses = actual.addresses.subtracting(wanted).filter { $0.address.hostFault == nil }.sorted()
        let pools = [interface.ipv6Pool, interface.ipv4Pool].compactMap(\.self)
        removedAddresses = wanted.subtracting(actual.addresses).filter { gone in
            let isOwn = pools.contains { $0 == gone.prefix }
            return !isOwn
                && actual.addresses.contains { $0.address.family == gone.address.family && wanted.contains($0) }
        }.sorted()
    }

    private mutating func takeNew(_ key: PublicKey, _ actual: ActualPeer, _ interface: InterfaceRecord) {
        let prefix = key.description.prefix(8).map { $0 == "/" ? "_" : $0 }
        guard let name = ObjectName("key-" + String(prefix)) else { return }
        newPeers.append(record(name, key, actual, interface, comment: "adopted from the kernel"))
    }

    private mutating func take(_ peer: PeerRecord, _ actual: ActualPeer?, _ interface: InterfaceRecord) {
        guard let actual else {
            disabledPeers.append(peer.name)
            return
        }
        let isSame = actual.keepalive == peer.keepalive && actual.allowedAddresses == PrefixSet(peer.allowedAddresses)
        guard !isSame else { return }
        var changed = record(peer.name, peer.publicKey, actual, interface, comment: peer.comment)
        // The kernel keeps no order; ours stays where it is the same otherwise.
        if Set(changed.addresses) == Set(peer.addresses) { changed.addresses = peer.addresses }
        if Set(changed.routed) == Set(peer.routed) { changed.routed = peer.routed }
        changedPeers.append(changed)
    }

    /// Single addresses out of the pools are the peer's own, everything else lies behind it.
    private func record(
        _ name: ObjectName,
        _ key: PublicKey,
        _ actual: ActualPeer,
        _ interface: InterfaceRecord,
        comment: String
    ) -> NewPeer {
        let pools = [interface.ipv6Pool, interface.ipv4Pool].compactMap(\.self)
        let prefixes = actual.allowedAddresses
        let isOwn = { (prefix: IPPrefix) in prefix.isHost && pools.contains { $0.contains(prefix.address) } }
        return NewPeer(
            name: name,
            publicKey: key,
            addresses: prefixes.filter(isOwn).map(\.address),
            routed: prefixes.filter { !isOwn($0) },
            endpoint: actual.endpoint.map { .address($0) },
            keepalive: actual.keepalive,
            comment: comment
        )
    }

    /// For the list of revisions.
    package var summary: String { words.joined(separator: ", ") }

    private var words: [String] {
        let single = [
            isUp.map { $0 ? "up" : "down" }, mtu.map { "MTU \($0)" }, listenPort.map { "listen port \($0)" },
            firewallMark.map { "firewall mark \($0)" },
        ]
        return single.compactMap(\.self)
            + many("new address", addedAddresses) + many("removed address", removedAddresses)
            + many("new peer", newPeers.map(\.name)) + many("disabled peer", disabledPeers)
            + many("changed peer", changedPeers.map(\.name))
    }

    private func many(_ what: String, _ items: [some CustomStringConvertible]) -> [String] {
        let shown = items.prefix(3).map { "\(what) \($0)" }
        return items.count > 3 ? shown + ["\(items.count - 3) more"] : shown
    }
}
