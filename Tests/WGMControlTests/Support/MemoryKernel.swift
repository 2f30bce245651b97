// SPDX-License-Identifier: Apache-2.0

import Synchronization
import WGMModel

@testable import WGMControl

/// A kernel in memory that does what the real one does with each change, and writes down what it was told.
final class MemoryKernel: Kernel {
    struct State {
        var links: [InterfaceName: ActualInterface] = [:]
        var told: [KernelChange] = []
        var dumps = 0
        var keyCount: UInt8 = 0
        /// Preshared keys of a link that somebody else made, by their mark.
        var preshared: [PublicKey: KeyMark] = [:]
        /// What the next changes of a kind are refused with.
        var refusal: (@Sendable (KernelChange) -> KernelFailure?)?
        var dumpFailure: KernelFailure?
    }
    let state = Mutex(State())
    let signer: TestSigner

    init(signer: TestSigner) { self.signer = signer }

    func link(_ name: InterfaceName) -> ActualInterface? { state.withLock { $0.links[name] } }

    func change(_ name: InterfaceName, _ body: (inout ActualInterface) -> Void) {
        state.withLock { state in
            guard var link = state.links[name] else { return }
            body(&link)
            state.links[name] = link
        }
    }

    func refuse(_ refusal: (@Sendable (KernelChange) -> KernelFailure?)?) { state.withLock { $0.refusal = refusal } }

    /// What it was told since it was last asked.
    func takeTold() -> [KernelChange] {
        state.withLock { state in
            defer { state.told = [] }
            return state.told
        }
    }

    func generateKey(
        for interface: InterfaceID
    ) async throws(KernelFailure) -> (publicKey: PublicKey, sealed: SealedKey) {
        let number = state.withLock { state in
            state.keyCount += 1
            return state.keyCount
        }
        guard let key = PublicKey(bytes: [UInt8](repeating: 0xA0, count: 31) + [number]),
            let sealed = SealedKey(bytes: [UInt8](repeating: number, count: SealedKey.byteCount))
        else { throw KernelFailure(.other, "no key") }
        return (key, sealed)
    }

    func intakeKey() async throws(KernelFailure) -> IntakeKey {
        guard let key = IntakeKey(bytes: [UInt8](repeating: 1, count: IntakeKey.byteCount)) else {
            throw KernelFailure(.other, "no key")
        }
        return key
    }

    /// The boxes of the tests hold, in the open, the peer's key behind one byte, and whatever fills the sealed key.
    func seal(_ boxes: [SecretBox], for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        try boxes.map { (box) throws(KernelFailure) in
            guard let peer = PublicKey(bytes: box.bytes[1..<33]), box.bytes[0] == 2,
                let sealed = SealedKey(bytes: [UInt8](repeating: box.bytes[33], count: SealedKey.byteCount)),
                let mark = KeyMark(bytes: sealed.bytes.prefix(KeyMark.byteCount))
            else { throw KernelFailure(.invalidArgument, "a secret is not one that was encrypted to this keeper") }
            return SealedSecret(publicKey: peer, key: sealed, mark: mark)
        }
    }

    /// The last byte of a public key in the tests is the number of its private key.
    func secrets(of name: InterfaceName, for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        let (link, preshared) = state.withLock { ($0.links[name], $0.preshared) }
        guard let link, link.owner == nil, let key = link.publicKey, let number = key.bytes.last,
            let sealed = SealedKey(bytes: [UInt8](repeating: number, count: SealedKey.byteCount))
        else { throw KernelFailure(.notOurs, "no free link") }
        return [SealedSecret(publicKey: key, key: sealed, mark: nil)]
            + preshared.map { SealedSecret(publicKey: $0.key, key: sealed, mark: $0.value) }
    }

    func apply(_ change: KernelChange, to name: InterfaceName, owner: InterfaceID) async throws(KernelFailure) {
        let failure: KernelFailure? = state.withLock { state in
            state.told.append(change)
            if let failure = state.refusal?(change) { return failure }
            if case .createLink(_, let mtu) = change {
                var link = ActualInterface(name: name, owner: owner, backend: .kernel)
                link.mtu = mtu
                state.links[name] = link
                return nil
            }
            guard var link = state.links[name] else {
                return change == .deleteLink ? nil : KernelFailure(.noSuchInterface, "no such link")
            }
            if case .takeLink(let key) = change {
                guard link.owner == nil, link.publicKey == key else { return KernelFailure(.notOurs, "not ours") }
                link.owner = owner
                state.links[name] = link
                return nil
            }
            guard link.owner == owner else { return KernelFailure(.notOurs, "not ours") }
            if change == .deleteLink {
                state.links[name] = nil
            } else {
                link.follow(change, keys: state.keyCount)
                state.links[name] = link
            }
            return nil
        }
        if let failure { throw failure }
    }

    func dump(_ name: InterfaceName) async throws(KernelFailure) -> ActualInterface? {
        let (link, failure) = state.withLock { state in
            state.dumps += 1
            return (state.links[name], state.dumpFailure)
        }
        if let failure { throw failure }
        return link
    }

    func ownedInterfaces() async throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        state.withLock { $0.links.compactMapValues(\.owner) }
    }

    func sign(_ input: [UInt8]) async throws(KernelFailure) -> [UInt8] { signer.sign(input) }
}

extension ActualInterface {
    /// What the real kernel makes of a change to a link that exists.
    mutating func follow(_ change: KernelChange, keys: UInt8 = 0) {
        switch change {
        case .createLink, .deleteLink, .takeLink: break
        case .releaseLink: owner = nil
        case .setLink(let mtu, let isUp):
            if let mtu { self.mtu = mtu }
            if let isUp {
                self.isUp = isUp
                // As Linux does, unless told otherwise by a sysctl.
                if !isUp {
                    routes = []
                    addresses = addresses.filter { $0.address.family == .v4 }
                }
            }
        case .setDevice(let privateKey, let listenPort, let firewallMark):
            // The sealed key of the tests holds the number of its public key.
            if let number = privateKey?.bytes.first {
                publicKey = PublicKey(bytes: [UInt8](repeating: 0xA0, count: 31) + [number])
            }
            if let listenPort { self.listenPort = listenPort }
            if let firewallMark { self.firewallMark = firewallMark }
        case .setPeers(let changes): for change in changes { follow(change) }
        case .removePeers(let keys): for key in keys { peers[key] = nil }
        case .addAddresses(let added): addresses.formUnion(added)
        case .removeAddresses(let removed): addresses.subtract(removed)
        case .addRoutes(let added): if isUp { routes.formUnion(added) }
        case .removeRoutes(let removed): routes.subtract(removed)
        }
    }

    private mutating func follow(_ change: PeerChange) {
        if change.updateOnly, peers[change.publicKey] == nil { return }
        var peer = peers[change.publicKey] ?? ActualPeer()
        switch change.presharedKey {
        case .keep: break
        case .clear: peer.presharedKey = nil
        // As the sealed key of the tests, so its mark.
        case .set(let key): peer.presharedKey = KeyMark(bytes: key.bytes.prefix(KeyMark.byteCount))
        }
        if let endpoint = change.endpoint { peer.endpoint = endpoint }
        if let keepalive = change.keepalive { peer.keepalive = keepalive }
        if change.replaceAllowedAddresses { peer.allowedAddresses = [] }
        for prefix in change.addAllowedAddresses {
            for key in peers.keys { peers[key]?.allowedAddresses.remove(prefix) }
            peer.allowedAddresses.insert(prefix)
        }
        peers[change.publicKey] = peer
    }
}
