// SPDX-License-Identifier: Apache-2.0

internal import WGMKeys
internal import WGMModel

/// A link of which it was just read that it carries its owner's mark: only such a link is changed.
struct OwnedLink {
    let link: Link
    let owner: InterfaceID
    var name: String { link.name }

    init(_ link: Link, owner: InterfaceID) throws(KernelFailure) {
        guard link.owner == owner else {
            throw KernelFailure(.notOurs, "the interface \(link.name) does not carry the mark wgm:\(owner)")
        }
        self.link = link
        self.owner = owner
    }
}

/// What `KernelChange.setDevice` asks for.
struct DeviceChange {
    var privateKey: SealedKey?
    var listenPort: UInt16?
    var firewallMark: UInt32?
}

/// What is to be done with one peer.
enum PeerRequest {
    case change(PeerChange)
    case removal(PublicKey)
}

extension SealingKey {
    borrowing func privateKey(_ sealed: SealedKey, of link: OwnedLink) throws(KernelFailure) -> PrivateKey {
        do throws(KeyError) {
            return try openPrivateKey(sealed, of: link.owner)
        } catch {
            throw KernelFailure(sealed: error, "the private key of \(link.name)")
        }
    }

    borrowing func presharedKey(
        _ sealed: SealedKey,
        of link: OwnedLink,
        peer: PublicKey
    ) throws(KernelFailure) -> PresharedKey {
        do throws(KeyError) {
            return try openPresharedKey(sealed, of: link.owner, peer: peer)
        } catch {
            throw KernelFailure(sealed: error, "the preshared key of peer \(peer) of \(link.name)")
        }
    }

    /// Throws unless each preshared key opens, so that nothing is changed when one does not.
    borrowing func check(_ peers: [PeerChange], of link: OwnedLink) throws(KernelFailure) {
        for peer in peers {
            guard case .set(let sealed) = peer.presharedKey else { continue }
            _ = try presharedKey(sealed, of: link, peer: peer.publicKey)
        }
    }
}

extension KernelFailure {
    fileprivate init(sealed error: KeyError, _ what: String) {
        let why =
            switch error {
            case .libraryUnavailable: "libsodium could not start"
            case .memoryNotLocked: "there is no locked memory left (RLIMIT_MEMLOCK)"
            case .malformed, .wrongLength: "it is malformed"
            case .unknownVersion(let version): "it has the unknown version \(version)"
            case .otherSealingKey(let id): "it was sealed under another key-encryption key (id \(id))"
            case .doesNotOpen: "it was changed, or belongs to another interface or peer"
            }
        self.init(.sealed, "\(what) does not open: \(why)")
    }
}
