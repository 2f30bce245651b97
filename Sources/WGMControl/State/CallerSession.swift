// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// The session from which a change is asked for: a TLS connection, or the one that wgmctl was started in.
package struct CallerSession: Hashable, Sendable {
    package var remote: IPAddress
    /// nil when it is not known.
    package var local: IPAddress?

    package init(remote: IPAddress, local: IPAddress? = nil) {
        self.remote = remote
        self.local = local
    }
}

/// Over what of ours a session goes.
///
/// Prefixes as wide as a default route are left out: wgm makes no routes for them, so they neither carry a session nor take
/// one away.
struct SessionWay: Hashable {
    /// The peer from which the session comes; another key, port or peer is another way.
    private struct Tunnel: Hashable {
        var interface: InterfaceName
        var id: InterfaceID
        var interfaceKey: PublicKey
        var listenPort: UInt16
        var peer: ObjectName
        var key: PublicKey
        var presharedKey: KeyMark?
    }
    /// Which of several prefixes gets the packets: that of the kernel's longest route, then the longest of the interface's peers.
    private struct Rank: Comparable {
        var route: UInt8
        var allowed: UInt8

        /// `onLink` are the interface's networks that have the address: what lies in one of them has no route of its own.
        init(_ prefix: IPPrefix, onLink: [IPPrefix]) {
            let isOnLink = onLink.contains { $0.length <= prefix.length }
            route = max(onLink.map(\.length).max() ?? 0, isOnLink ? 0 : prefix.length)
            allowed = prefix.length
        }

        static func < (left: Self, right: Self) -> Bool { (left.route, left.allowed) < (right.route, right.allowed) }
    }
    /// Seconds: a peer that is let in for less than that is as good as kept out.
    private static let soon: Int64 = 3600
    private let session: CallerSession
    private let tunnel: Tunnel?
    /// When the peer is kept out, or its interface gets another key, if soon.
    private let end: Timestamp?
    /// The interface that has the near end's address; nil when none of ours has it.
    private let near: InterfaceName?

    init(_ session: CallerSession, _ state: GatewayState, at now: Timestamp) {
        self.session = session
        var narrowest: (rank: Rank, tunnel: Tunnel, end: Timestamp?)?
        var near: InterfaceName?
        let soon = Timestamp(seconds: now.seconds + Self.soon)
        for interface in state.interfaces.values where interface.isUp {
            if interface.addresses.contains(where: { $0.address == session.local }) { near = interface.name }
            let onLink = interface.addresses.map(\.prefix).filter { $0.contains(session.remote) }
            for peer in (state.peers[interface.id] ?? [:]).values where peer.isEnabled && peer.validity.holds(at: now) {
                for prefix in peer.allowedAddresses where !prefix.isWide && prefix.contains(session.remote) {
                    let rank = Rank(prefix, onLink: onLink)
                    guard narrowest.map({ $0.rank < rank }) ?? true else { continue }
                    narrowest = (
                        rank,
                        Tunnel(
                            interface: interface.name,
                            id: interface.id,
                            interfaceKey: interface.publicKey,
                            listenPort: interface.listenPort,
                            peer: peer.name,
                            key: peer.publicKey,
                            presharedKey: peer.presharedKey?.mark
                        ),
                        [peer.validity.until, interface.rotation?.due].compactMap(\.self).filter { $0 < soon }.min()
                    )
                }
            }
        }
        tunnel = narrowest?.tunnel
        end = narrowest?.end
        self.near = near
    }

    /// How the session would be cut if this became the other; nil when it would not.
    func cut(by other: SessionWay) -> String? {
        if let tunnel, tunnel != other.tunnel {
            return
                "your own session comes from \(session.remote), through the peer \(tunnel.peer) of \(tunnel.interface): "
                + "this change would cut it"
        }
        if let tunnel, let after = other.end, end.map({ after < $0 }) ?? true {
            return
                "your own session comes from \(session.remote), through the peer \(tunnel.peer) of \(tunnel.interface), "
                + "which this change would keep out within the hour"
        }
        if let after = other.tunnel, tunnel == nil {
            return "your own session comes from \(session.remote), which this change would route to the peer "
                + "\(after.peer) of \(after.interface)"
        }
        if let near, other.near == nil, let local = session.local {
            return "your own session goes to \(local), an address of \(near): this change would take it away"
        }
        return nil
    }
}
