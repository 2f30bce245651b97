// SPDX-License-Identifier: Apache-2.0

internal import WGMKeys
internal import WGMModel

/// A `set` request of WireGuard's cross-platform text protocol, in memory that is wiped when the value ends.
struct UAPIRequest: ~Copyable {
    private(set) var text = WipedBuffer(capacity: 16 * 1024)

    init() { text.append("set=1\n".utf8) }

    /// Ends the request.
    mutating func end() { text.append("\n".utf8) }

    mutating func add(
        _ device: DeviceChange,
        of link: OwnedLink,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        if let sealed = device.privateKey {
            let key = try keys.privateKey(sealed, of: link)
            unsafe key.withUnsafeBytes { unsafe add("private_key", secret: $0) }
        }
        if let port = device.listenPort { add("listen_port", "\(port)") }
        if let mark = device.firewallMark { add("fwmark", "\(mark)") }
    }

    mutating func add(
        _ peer: PeerRequest,
        of link: OwnedLink,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        let key = peer.publicKey.bytes
        unsafe key.withUnsafeBytes { unsafe add("public_key", secret: $0) }
        switch peer {
        case .removal: add("remove", "true")
        case .change(let change): try add(change, of: link, keys)
        }
    }

    private mutating func add(
        _ peer: PeerChange,
        of link: OwnedLink,
        _ keys: borrowing SealingKey
    ) throws(KernelFailure) {
        if peer.updateOnly { add("update_only", "true") }
        switch peer.presharedKey {
        case .keep: break
        case .clear: add("preshared_key", String(repeating: "0", count: 2 * PresharedKey.byteCount))
        case .set(let sealed):
            let key = try keys.presharedKey(sealed, of: link, peer: peer.publicKey)
            unsafe key.withUnsafeBytes { unsafe add("preshared_key", secret: $0) }
        }
        if let endpoint = peer.endpoint { add("endpoint", "\(endpoint)") }
        if let keepalive = peer.keepalive { add("persistent_keepalive_interval", "\(keepalive)") }
        if peer.replaceAllowedAddresses { add("replace_allowed_ips", "true") }
        for address in peer.addAllowedAddresses { add("allowed_ip", "\(address)") }
    }

    private mutating func add(_ key: String, _ value: String) {
        text.append("\(key)=\(value)\n".utf8)
    }

    private mutating func add(_ key: String, secret: UnsafeRawBufferPointer) {
        text.append("\(key)=".utf8)
        unsafe text.append(hex: secret)
        text.append("\n".utf8)
    }
}
