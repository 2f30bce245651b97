// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
package import WGMKeys
package import WGMModel

/// Taking over a link that somebody else made, without a word to its peers.
extension LinuxKernel {
    /// The keys of a link that carries nobody's mark, each sealed for the interface: the private key, then preshared keys.
    package mutating func secrets(
        of name: InterfaceName,
        for interface: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) -> [SealedSecret] {
        let link = try free(name)
        return switch link.backend {
        case .kernel: try generic.secrets(of: link, for: interface, keys: keys)
        case .userspace, .automatic: try userspace.secrets(of: link, for: interface, keys: keys)
        }
    }

    /// Puts the owner's mark on a link that carries nobody's, if it holds the private key to this public key.
    mutating func take(_ name: InterfaceName, owner: InterfaceID, holding key: PublicKey) throws(KernelFailure) {
        if let link = try route.link(name), link.owner == owner { return }
        let link = try free(name)
        let device = link.backend == .kernel ? try generic.device(link, nil) : try userspace.device(link)
        guard device.publicKey == key else {
            throw KernelFailure(.notOurs, "the link \(name) holds another private key than the interface")
        }
        try route.setAlias(OwnerMark.alias(owner), of: link)
    }

    /// Takes the mark off again and leaves the link as it is.
    mutating func release(_ name: InterfaceName, owner: InterfaceID) throws(KernelFailure) {
        guard let link = try route.link(name), link.owner != nil else { return }
        try route.setAlias("", of: try OwnedLink(link, owner: owner).link)
    }

    /// A WireGuard link that carries no mark of any wgm.
    private mutating func free(_ name: InterfaceName) throws(KernelFailure) -> Link {
        guard let link = try route.link(name) else {
            throw KernelFailure(.noSuchInterface, errno: ENODEV, "there is no interface \(name)")
        }
        guard link.owner == nil else {
            throw KernelFailure(.notOurs, "the link \(name) carries the mark of another interface of wgm")
        }
        guard link.backend != .automatic else {
            throw KernelFailure(.invalidArgument, "the link \(name) is no WireGuard")
        }
        return link
    }
}

extension GenericSocket {
    mutating func secrets(
        of link: Link,
        for interface: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) -> [SealedSecret] {
        try dump(link, into: []) { (secrets: inout [SealedSecret], payload) throws(KernelFailure) in
            try payload.forEachAttribute(from: MemoryLayout<genlmsghdr>.size) { (type, value) throws(KernelFailure) in
                switch type {
                case WGDEVICE_A_PRIVATE_KEY.type where !value.isAllZero:
                    secrets.append(try value.sealed(by: keys, for: interface, peer: nil))
                case WGDEVICE_A_PEERS.type:
                    try value.forEachAttribute { (_, peer) throws(KernelFailure) in
                        if let secret = try peer.presharedKey(keys, interface) { secrets.append(secret) }
                    }
                default: break
                }
            }
        }
    }
}

extension RawSpan {
    /// The preshared key among a peer's attributes; nil when there is none.
    fileprivate func presharedKey(
        _ keys: borrowing SealingKey,
        _ interface: InterfaceID
    ) throws(KernelFailure) -> SealedSecret? {
        var peer: PublicKey?
        try forEachAttribute { (type, value) throws(KernelFailure) in
            if type == WGPEER_A_PUBLIC_KEY.type { peer = PublicKey(bytes: value.array) }
        }
        guard let peer else { throw .malformed }
        var secret: SealedSecret?
        try forEachAttribute { (type, value) throws(KernelFailure) in
            guard type == WGPEER_A_PRESHARED_KEY.type, !value.isAllZero else { return }
            secret = try value.sealed(by: keys, for: interface, peer: peer)
        }
        return secret
    }

    /// These 32 bytes as the private key, or as a peer's preshared key.
    fileprivate func sealed(
        by keys: borrowing SealingKey,
        for interface: InterfaceID,
        peer: PublicKey?
    ) throws(KernelFailure) -> SealedSecret {
        do throws(KeyError) {
            return unsafe try withUnsafeBytes { (bytes) throws(KeyError) in
                guard let peer else { return unsafe try keys.seal(privateKey: bytes, of: interface) }
                return unsafe try keys.seal(presharedKey: bytes, of: interface, peer: peer)
            }
        } catch {
            throw .malformed
        }
    }
}

extension Userspace {
    func secrets(
        of link: Link,
        for interface: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) -> [SealedSecret] {
        let purpose = "reading the keys of \(link.name)"
        var reply = UAPIReply(purpose: purpose, keepsSecrets: true)
        try ask(link, purpose, &reply)
        return try reply.sealedSecrets(for: interface, keys: keys)
    }
}
