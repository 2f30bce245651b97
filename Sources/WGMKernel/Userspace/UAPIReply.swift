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
        var start = 0
        while start < bytes.byteCount {
            guard !isComplete else { throw malformed }
            let rest = bytes.extracting(start...)
            let end = rest.firstIndex(of: UInt8(ascii: "\n"))
            let part = rest.extracting(..<(end ?? rest.byteCount))
            guard line.count + part.byteCount <= UAPILimit.lineLength else { throw malformed }
            if end != nil, line.count == 0 {
                try endLine(part)
            } else {
                line.append(part)
                if end != nil {
                    unsafe try endLine(line.bytes.bytes)
                    line.wipe()
                }
            }
            start += part.byteCount + 1
        }
    }

    private var malformed: KernelFailure {
        KernelFailure(.other, errno: EBADMSG, "\(purpose): the answer is not of WireGuard's text protocol")
    }

    /// An empty line ends the answer; before it stands `errno=`.
    private mutating func endLine(_ text: RawSpan) throws(KernelFailure) {
        guard text.byteCount > 0 else {
            guard let errorNumber else { throw malformed }
            keepPeer()
            isComplete = true
            guard errorNumber == 0 else { throw KernelFailure(errno: errorNumber, purpose: purpose) }
            return
        }
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")), errorNumber == nil else { throw malformed }
        try take(text.extracting(..<equals), text.extracting((equals + 1)...))
    }

    /// What there is most of comes first: a large gateway's answer has hundreds of thousands of lines.
    private mutating func take(_ key: RawSpan, _ value: RawSpan) throws(KernelFailure) {
        if key.isText("allowed_ip") {
            guard peerKey != nil else { return }
            guard let prefix = value.prefix else { throw malformed }
            prefixes.append(prefix)
        } else if key.isText("public_key") {
            try startPeer(value)
        } else if key.isText("private_key") {
            device.publicKey = try publicKey(ofPrivate: value)
        } else if key.isText("listen_port") {
            device.listenPort = try number(value)
        } else if key.isText("fwmark") {
            device.firewallMark = try number(value)
        } else if key.isText("errno") {
            let number: Int64 = try number(value)
            guard let positive = Int32(exactly: number.magnitude) else { throw malformed }
            errorNumber = positive
        } else if peerKey != nil {
            try takeOfPeer(key, value)
        }
    }

    private mutating func takeOfPeer(_ key: RawSpan, _ value: RawSpan) throws(KernelFailure) {
        if key.isText("preshared_key") {
            peer.presharedKey = try mark(value)
        } else if key.isText("endpoint") {
            peer.endpoint = Endpoint(scoped: value.text)
        } else if key.isText("persistent_keepalive_interval") {
            peer.keepalive = try number(value)
        } else if key.isText("last_handshake_time_sec") {
            handshake.seconds = try number(value)
        } else if key.isText("last_handshake_time_nsec") {
            handshake.nanoseconds = try number(value)
        } else if key.isText("rx_bytes") {
            peer.receivedBytes = try number(value)
        } else if key.isText("tx_bytes") {
            peer.sentBytes = try number(value)
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
        prefixes.reserveCapacity(2)
        self.peerKey = nil
    }

    /// Decimal digits, behind a minus where the type has one.
    private func number<Number: FixedWidthInteger>(_ value: RawSpan) throws(KernelFailure) -> Number {
        let isNegative = Number.isSigned && value.load(UInt8.self) == UInt8(ascii: "-")
        var magnitude: UInt64 = 0
        guard value.byteCount > (isNegative ? 1 : 0) else { throw malformed }
        for index in (isNegative ? 1 : 0)..<value.byteCount {
            let digit = UInt64((value.load(UInt8.self, at: index) ?? 0) &- UInt8(ascii: "0"))
            let (tens, isTooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, isStillTooLarge) = tens.addingReportingOverflow(digit)
            guard digit <= 9, !isTooLarge, !isStillTooLarge else { throw malformed }
            magnitude = sum
        }
        if isNegative {
            guard let number = Int64(exactly: magnitude).flatMap({ Number(exactly: -$0) }) else { throw malformed }
            return number
        }
        guard let number = Number(exactly: magnitude) else { throw malformed }
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

extension RawSpan {
    fileprivate func firstIndex(of byte: UInt8) -> Int? {
        unsafe withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, let found = unsafe memchr(start, Int32(byte), bytes.count) else {
                return nil
            }
            return unsafe UnsafeRawPointer(found) - start
        }
    }

    fileprivate func isText(_ text: StaticString) -> Bool {
        guard byteCount == text.utf8CodeUnitCount else { return false }
        return unsafe withUnsafeBytes { bytes in
            unsafe bytes.baseAddress.map { unsafe memcmp($0, text.utf8Start, bytes.count) == 0 } ?? true
        }
    }

    fileprivate var prefix: IPPrefix? {
        unsafe withUnsafeBytes { unsafe IPPrefix(ascii: Span(_unsafeBytes: $0)) }
    }
}
