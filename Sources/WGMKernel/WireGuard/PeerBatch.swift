// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import WGMKeys
internal import WGMModel

/// Peers on their way into as few messages as they need.
///
/// A peer that fits into one message is never divided, so that the kernel takes its change in one request. Of a peer that
/// does not, the rest of the allowed addresses follows in the next messages, which update it but never create it: should
/// somebody remove the peer in between, it must not come back without its preshared key.
struct PeerBatch {
    private let peers: [PeerRequest]
    private let link: OwnedLink
    private var index = 0
    /// Allowed addresses of the current peer that are in earlier messages; nil when nothing of it is.
    private var sentAddresses: Int?

    init(_ peers: [PeerRequest], of link: OwnedLink) {
        self.peers = peers
        self.link = link
    }

    var isDone: Bool { index == peers.count }

    /// Fills the message with as many peers as it holds, and at least with a part of one.
    mutating func write(to message: inout NetlinkMessage, keys: borrowing SealingKey) throws(KernelFailure) {
        let tooLong = KernelFailure(.invalidArgument, "a peer of \(link.name) does not fit into a message")
        var isFirst = true
        try message.nest(WGDEVICE_A_PEERS, orElse: tooLong) { message throws(KernelFailure) in
            while !isDone {
                let sentAddresses = try put(peers[index], in: &message, mayDivide: isFirst, keys)
                guard let sentAddresses else {
                    guard isFirst else { return }
                    throw tooLong
                }
                guard sentAddresses == peers[index].addresses.count else {
                    self.sentAddresses = sentAddresses
                    return
                }
                isFirst = false
                index += 1
                self.sentAddresses = nil
            }
        }
    }

    /// Returns how many addresses of the peer have been written by now; nil when nothing of it fits.
    private func put(
        _ peer: PeerRequest,
        in message: inout NetlinkMessage,
        mayDivide: Bool,
        _ keys: borrowing SealingKey
    ) throws(KernelFailure) -> Int? {
        var position = sentAddresses ?? 0
        let presharedKey = sentAddresses == nil ? try openPresharedKey(peer, keys) : nil
        do throws(MessageFull) {
            try message.nest(0) { message throws(MessageFull) in
                try message.put(WGPEER_A_PUBLIC_KEY, peer.publicKey.bytes)
                if case .change(let change) = peer, sentAddresses == nil {
                    try message.put(change, presharedKey)
                } else {
                    try message.put(
                        WGPEER_A_FLAGS,
                        (peer.isRemoval ? WGPEER_F_REMOVE_ME : WGPEER_F_UPDATE_ONLY).rawValue
                    )
                }
                position += message.put(addresses: peer.addresses[position...])
                if position < peer.addresses.count, !mayDivide { throw MessageFull() }
            }
        } catch {
            return nil
        }
        return position
    }

    private func openPresharedKey(
        _ peer: PeerRequest,
        _ keys: borrowing SealingKey
    ) throws(KernelFailure) -> PresharedKey? {
        guard case .change(let change) = peer, case .set(let sealed) = change.presharedKey else { return nil }
        return try keys.presharedKey(sealed, of: link, peer: change.publicKey)
    }
}

extension PeerRequest {
    var publicKey: PublicKey {
        switch self {
        case .change(let change): change.publicKey
        case .removal(let key): key
        }
    }

    fileprivate var isRemoval: Bool { if case .removal = self { true } else { false } }

    fileprivate var addresses: [IPPrefix] {
        if case .change(let change) = self { change.addAllowedAddresses } else { [] }
    }
}

extension NetlinkMessage {
    /// What is said of a peer once; its allowed addresses follow.
    fileprivate mutating func put(_ peer: PeerChange, _ presharedKey: borrowing PresharedKey?) throws(MessageFull) {
        var flags: UInt32 = 0
        if peer.updateOnly { flags |= WGPEER_F_UPDATE_ONLY.rawValue }
        if peer.replaceAllowedAddresses { flags |= WGPEER_F_REPLACE_ALLOWEDIPS.rawValue }
        if flags != 0 { try put(WGPEER_A_FLAGS, flags) }
        switch presharedKey {
        case .some(let key):
            unsafe try key.withUnsafeBytes { (bytes) throws(MessageFull) in
                unsafe try put(WGPEER_A_PRESHARED_KEY, bytes: bytes)
            }
        case .none:
            let noKey = [UInt8](repeating: 0, count: PresharedKey.byteCount)
            if peer.presharedKey == .clear { try put(WGPEER_A_PRESHARED_KEY, noKey) }
        }
        if let endpoint = peer.endpoint { try put(WGPEER_A_ENDPOINT, endpoint.socketAddress) }
        if let keepalive = peer.keepalive { try put(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, keepalive) }
    }

    /// Returns how many of the addresses fit.
    fileprivate mutating func put(addresses: ArraySlice<IPPrefix>) -> Int {
        guard !addresses.isEmpty else { return 0 }
        var count = 0
        try? nest(WGPEER_A_ALLOWEDIPS) { message throws(MessageFull) in
            for address in addresses {
                guard message.put(address) else { break }
                count += 1
            }
            if count == 0 { throw MessageFull() }
        }
        return count
    }

    private mutating func put(_ prefix: IPPrefix) -> Bool {
        do throws(MessageFull) {
            try nest(0) { message throws(MessageFull) in
                try message.put(WGALLOWEDIP_A_FAMILY, UInt16(prefix.family.number))
                try message.put(WGALLOWEDIP_A_IPADDR, prefix.address.bytes)
                try message.put(WGALLOWEDIP_A_CIDR_MASK, prefix.length)
            }
            return true
        } catch {
            return false
        }
    }
}
