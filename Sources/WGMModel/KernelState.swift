// SPDX-License-Identifier: Apache-2.0

/// Which implementation of WireGuard carries an interface.
package enum Backend: UInt8, Hashable, Sendable, CaseIterable {
    /// The kernel where it has WireGuard, else userspace; decided when the link is created.
    case automatic = 0
    case kernel = 1
    case userspace = 2
}

/// What the kernel (or the userspace implementation) holds for one interface, as read back from it.
///
/// Private and preshared keys never get this far: what remains is a public key, and the mark of a preshared key.
package struct ActualInterface: Hashable, Sendable {
    package var name: InterfaceName
    /// The owner's mark on the link; nil when wgm did not make it.
    package var owner: InterfaceID?
    package var backend: Backend
    package var isUp: Bool
    /// Bytes.
    package var mtu: UInt32
    package var addresses: Set<InterfaceAddress>
    /// Routes through this interface in the main table that wgm made (protocol `NetlinkLimit.routeProtocol`).
    package var routes: Set<IPPrefix>
    /// Networks of its addresses to which nobody but wgm has a route through the link, the one that the kernel makes by itself included;
    /// none while the link is down.
    package var unroutedNetworks: Set<IPPrefix>
    /// nil when no private key is set.
    package var publicKey: PublicKey?
    package var listenPort: UInt16
    /// 0 means none.
    package var firewallMark: UInt32
    package var peers: [PublicKey: ActualPeer]

    package init(name: InterfaceName, owner: InterfaceID?, backend: Backend) {
        self.name = name
        self.owner = owner
        self.backend = backend
        isUp = false
        mtu = 0
        addresses = []
        routes = []
        unroutedNetworks = []
        publicKey = nil
        listenPort = 0
        firewallMark = 0
        peers = [:]
    }
}

/// What the kernel holds for one peer.
package struct ActualPeer: Hashable, Sendable {
    /// nil when there is none.
    package var presharedKey: KeyMark?
    package var endpoint: Endpoint?
    /// Seconds; 0 means off.
    package var keepalive: UInt16 = 0
    package var allowedAddresses: PrefixSet = []
    /// Seconds and nanoseconds since 1970; nil means never.
    package var lastHandshake: Timestamp?
    package var receivedBytes: UInt64 = 0
    package var sentBytes: UInt64 = 0

    package init() {}
}

/// A moment of the realtime clock.
package struct Timestamp: Hashable, Sendable, Comparable {
    package var seconds: Int64
    package var nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package init(milliseconds: Int64) {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        self.init(seconds: seconds - (rest < 0 ? 1 : 0), nanoseconds: UInt32((rest + 1000) % 1000) * 1_000_000)
    }

    package var milliseconds: Int64 { seconds * 1000 + Int64(nanoseconds / 1_000_000) }

    package func adding(nanoseconds more: UInt64) -> Timestamp {
        let (whole, rest) = (more &+ UInt64(nanoseconds)).quotientAndRemainder(dividingBy: 1_000_000_000)
        return Timestamp(seconds: seconds &+ Int64(whole), nanoseconds: UInt32(rest))
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC, in whole seconds; of the years 0 to 9999, the nearest.
    package var description: String {
        CalendarTime.text(milliseconds: min(max(seconds, -62_167_219_200), 253_402_300_799) * 1000)
    }
}
