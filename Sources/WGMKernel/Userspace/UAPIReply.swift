// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import WGMKeys
package import WGMModel

/// Limits of what a userspace implementation may answer.
enum UAPILimit {
    static let lineLength = 512
    static let replyLength = 256 << 20
    /// Seconds without a byte.
    static let timeout: Int32 = 10
    /// Seconds for a whole answer.
    static let exchangeTimeout = 60
    /// Seconds until a program that was started must answer, or one that was ended must be gone.
    static let startTimeout = 5
}

/// The answer to a request of the text protocol, read line by line without any I/O.
///
/// The bytes are dropped once read; of a private key only whether it is there is kept, of a preshared key its mark.
package struct UAPIReply: ~Copyable {
    let purpose: String
    package private(set) var device = DeviceDump()
    package private(set) var isComplete = false
    private var line = WipedBuffer(capacity: UAPILimit.lineLength)
    private var byteCount = 0
    private var errorNumber: Int32?
    private var peerKey: PublicKey?
    private var peer = ActualPeer()
    private var prefixes: [IPPrefix] = []
    private var handshake = (seconds: Int64(0), nanoseconds: UInt32(0))

    private let marking: KeyMarker?
    private let keepsSecrets: Bool
    private var secrets = UAPISecrets()

    /// Keys are kept, until the value ends, only with `keepsSecrets`.
    package init(purpose: String, marking: KeyMarker? = nil, keepsSecrets: Bool = false) {
        self.purpose = purpose
        self.marking = marking
        self.keepsSecrets = keepsSecrets
    }

    borrowing func sealedSecrets(
        for interface: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) -> [SealedSecret] {
        do throws(KeyError) { return try secrets.sealed(for: interface, keys: keys) } catch { throw malformed }
    }

    /// Reads the next bytes; throws for what is not of the protocol, and for an error that was answered.
    package mutating func read(_ bytes: RawSpan) throws(KernelFailure) {
        byteCount += bytes.byteCount
        guard byteCount <= UAPILimit.replyLength else { throw malformed }
        for offset in bytes.byteOffsets {
            guard !isComplete, let byte = bytes.load(UInt8.self, at: offset) else { throw malformed }
            if byte == UInt8(ascii: "\n") {
                try endLine()
                line.wipe()
            } else {
                guard line.count < UAPILimit.lineLength else { throw malformed }
                line.append(byte)
            }
        }
    }

    private var malformed: KernelFailure {
        KernelFailure(.other, errno: EBADMSG, "\(purpose): the answer is not of WireGuard's text protocol")
    }

    /// An empty line ends the answer; before it stands `errno=`.
    private mutating func endLine() throws(KernelFailure) {
        guard line.count > 0 else {
            guard let errorNumber else { throw malformed }
            keepPeer()
            isComplete = true
            guard errorNumber == 0 else { throw KernelFailure(errno: errorNumber, purpose: purpose) }
            return
        }
        let text = unsafe line.bytes.bytes
        let equals = text.byteOffsets.first { text.load(UInt8.self, at: $0) == UInt8(ascii: "=") }
        guard let equals, errorNumber == nil else { throw malformed }
        try take(text.extracting(0..<equals).text, text.extracting((equals + 1)..<text.byteCount))
    }

    private mutating func take(_ key: String, _ value: RawSpan) throws(KernelFailure) {
        switch key {
        case "private_key": device.publicKey = try publicKey(ofPrivate: value)
        case "listen_port": device.listenPort = try number(value)
        case "fwmark": device.firewallMark = try number(value)
        case "public_key": try startPeer(value)
        case "errno":
            let number: Int64 = try number(value)
            guard let positive = Int32(exactly: number.magnitude) else { throw malformed }
            errorNumber = positive
        default: if peerKey != nil { try takeOfPeer(key, value) }
        }
    }

    private mutating func takeOfPeer(_ key: String, _ value: RawSpan) throws(KernelFailure) {
        switch key {
        case "preshared_key": peer.presharedKey = try mark(value)
        case "endpoint": peer.endpoint = Endpoint(scoped: value.text)
        case "persistent_keepalive_interval": peer.keepalive = try number(value)
        case "last_handshake_time_sec": handshake.seconds = try number(value)
        case "last_handshake_time_nsec": handshake.nanoseconds = try number(value)
        case "rx_bytes": peer.receivedBytes = try number(value)
        case "tx_bytes": peer.sentBytes = try number(value)
        case "allowed_ip":
            guard let prefix = IPPrefix(ascii: value.array) else { throw malformed }
            prefixes.append(prefix)
        default: break
        }
    }

    private mutating func startPeer(_ value: RawSpan) throws(KernelFailure) {
        keepPeer()
        guard let key = try key32(value) else { throw malformed }
        peerKey = key
        peer = ActualPeer()
        handshake = (0, 0)
    }

    private mutating func keepPeer() {
        guard let peerKey else { return }
        if handshake != (0, 0) {
            peer.lastHandshake = Timestamp(
                seconds: handshake.seconds,
                nanoseconds: min(handshake.nanoseconds, 999_999_999)
            )
        }
        peer.allowedAddresses = PrefixSet(prefixes)
        device.peers[peerKey] = peer
        prefixes = []
        self.peerKey = nil
    }

    private func number<Number: FixedWidthInteger>(_ value: RawSpan) throws(KernelFailure) -> Number {
        guard let number = Number(value.text) else { throw malformed }
        return number
    }

    /// The bytes of a public key; nil for a key of zeros.
    private func key32(_ hex: RawSpan) throws(KernelFailure) -> PublicKey? {
        var key = WipedBuffer(capacity: PublicKey.byteCount)
        guard key.append(decodingKey: hex) else { throw malformed }
        return unsafe try key.bytes.bytes.publicKey()
    }

    /// The mark of a preshared key; nil for a key of zeros.
    private mutating func mark(_ hex: RawSpan) throws(KernelFailure) -> KeyMark? {
        var key = WipedBuffer(capacity: PublicKey.byteCount)
        guard let peerKey, key.append(decodingKey: hex) else { throw malformed }
        if keepsSecrets, unsafe !key.bytes.bytes.isAllZero { unsafe secrets.add(key.bytes, of: peerKey) }
        return unsafe key.bytes.bytes.mark(of: peerKey, marking)
    }

    private mutating func publicKey(ofPrivate hex: RawSpan) throws(KernelFailure) -> PublicKey? {
        var key = WipedBuffer(capacity: PrivateKey.byteCount)
        guard key.append(decodingKey: hex) else { throw malformed }
        if unsafe key.bytes.bytes.isAllZero { return nil }
        if keepsSecrets { unsafe secrets.add(key.bytes, of: nil) }
        var text = WipedBuffer(capacity: 64)
        unsafe text.append(base64: key.bytes)
        do throws(KeyError) {
            return unsafe try PrivateKey(base64: text.bytes).publicKey
        } catch {
            throw malformed
        }
    }
}

extension Endpoint {
    /// Reads `[fe80::1%2]:51820` too; a zone that is no number is passed over.
    init?(scoped text: String) {
        guard let percent = text.firstIndex(of: "%"), let bracket = text[percent...].firstIndex(of: "]") else {
            self.init(text)
            return
        }
        guard let plain = Endpoint(String(text[..<percent] + text[bracket...])) else { return nil }
        let zone = UInt32(text[text.index(after: percent)..<bracket]) ?? 0
        self.init(plain.address, port: plain.port, zone: zone)
    }
}
