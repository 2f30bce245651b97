// SPDX-License-Identifier: Apache-2.0

/// Keep what is there, remove it, or set a new value: "absent" and "clear" are two different things.
package enum Update<Value: Hashable & Sendable>: Hashable, Sendable {
    case keep
    case clear
    case set(Value)
}

/// One step that makes the kernel more like the database.
///
/// Every step can be repeated without harm.
package enum KernelChange: Hashable, Sendable {
    /// Creates the link with its owner's mark. A link of that name with the same mark is success; any other is `alreadyExists`.
    case createLink(backend: Backend, mtu: UInt32)
    /// Puts the owner's mark on a link that somebody else made, if it holds the private key to this public key.
    case takeLink(PublicKey)
    /// Takes the owner's mark off the link, and leaves it as it is.
    case releaseLink
    /// Deletes the link; one that is not there is success, one that is not ours is `notOurs`.
    case deleteLink
    case setLink(mtu: UInt32?, isUp: Bool?)
    /// nil leaves the attribute alone; firewall mark 0 clears it.
    case setDevice(privateKey: SealedKey?, listenPort: UInt16?, firewallMark: UInt32?)
    /// Adds or changes peers, in order. Other peers are not touched.
    case setPeers([PeerChange])
    case removePeers([PublicKey])
    case addAddresses([InterfaceAddress])
    case removeAddresses([InterfaceAddress])
    case addRoutes([IPPrefix])
    case removeRoutes([IPPrefix])
}

/// The difference to one peer: what is `keep` or empty is not sent.
package struct PeerChange: Hashable, Sendable {
    package var publicKey: PublicKey
    /// Fail silently for a peer that is not there (`WGPEER_F_UPDATE_ONLY`) instead of creating it.
    package var updateOnly = false
    package var presharedKey: Update<SealedKey> = .keep
    package var endpoint: Endpoint?
    /// Seconds; 0 switches it off; nil leaves it alone.
    package var keepalive: UInt16?
    /// First forget all allowed addresses of this peer.
    package var replaceAllowedAddresses = false
    package var addAllowedAddresses: [IPPrefix] = []

    package init(publicKey: PublicKey) { self.publicKey = publicKey }
}

/// Why the kernel side refused.
///
/// The words are the kernel's own where it has any (extended acknowledgement).
package struct KernelFailure: Error, Hashable, Sendable {
    package enum Reason: UInt8, Hashable, Sendable {
        /// The link belongs to somebody else, or a name is taken by one.
        case notOurs = 1
        case noSuchInterface = 2
        case alreadyExists = 3
        /// The kernel has no WireGuard, or no userspace implementation could be started.
        case noWireGuard = 4
        /// A capability or file permission is missing.
        case notPermitted = 5
        case invalidArgument = 6
        /// The address or port is in use by another interface or program.
        case inUse = 7
        /// The keeper has no key-encryption key, or the sealed key does not open for this interface.
        case sealed = 8
        /// The journal could not be written: nothing was changed.
        case journal = 9
        /// The keeper is not reachable; whether the change was made is not known.
        case keeperGone = 10
        case other = 11
    }

    package var reason: Reason
    /// The `errno` behind it, 0 if none.
    package var errno: Int32
    /// What was being done, and the kernel's words: at most 500 bytes, never a secret.
    package var message: String

    package init(_ reason: Reason, errno: Int32 = 0, _ message: String) {
        self.reason = reason
        self.errno = errno
        self.message = message
    }
}
