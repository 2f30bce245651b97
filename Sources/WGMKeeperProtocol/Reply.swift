// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What the keeper says about itself.
package struct KeeperIdentity: Hashable, Sendable {
    package enum State: UInt8, Hashable, Sendable {
        /// There is no key-encryption key for what is stored: status yes, key operations no.
        case sealed = 0
        case ready = 1
    }

    package var version: String
    package var state: State
    /// The four that follow are 0, empty or nil in a sealed keeper.
    package var sealingKeyID: UInt32
    package var signingKeyID: String
    /// Ed25519, 32 bytes.
    package var signingPublicKey: [UInt8]
    /// What secrets from outside are encrypted to.
    package var intakeKey: IntakeKey?

    package init(
        version: String,
        state: State,
        sealingKeyID: UInt32,
        signingKeyID: String,
        signingPublicKey: [UInt8],
        intakeKey: IntakeKey?
    ) {
        self.version = version
        self.state = state
        self.sealingKeyID = sealingKeyID
        self.signingKeyID = signingKeyID
        self.signingPublicKey = signingPublicKey
        self.intakeKey = intakeKey
    }
}

/// A fresh key pair, of which only the keeper can use the private half.
package struct GeneratedKey: Hashable, Sendable {
    package var publicKey: PublicKey
    package var sealed: SealedKey

    package init(publicKey: PublicKey, sealed: SealedKey) {
        self.publicKey = publicKey
        self.sealed = sealed
    }
}

/// One packet of the keeper's answer.
///
/// Layout: number (4) · kind (1) · status (1; 0 or a `KernelFailure.Reason`) · last (1) · errno (4) · message (2 + …) · payload.
package struct Reply: Hashable, Sendable {
    package var number: UInt32
    package var kind: RequestKind
    /// False when another packet of the same answer follows; dumps only.
    package var isLast = true
    package var failure: KernelFailure?
    package var payload: [UInt8] = []

    package init(number: UInt32, kind: RequestKind, payload: [UInt8] = []) {
        self.number = number
        self.kind = kind
        self.payload = payload
    }

    package init(to request: Request, failure: KernelFailure? = nil, payload: [UInt8] = []) {
        self.init(number: request.number, kind: request.kind, payload: payload)
        self.failure = failure
    }

    package func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.append(integer: number)
        writer.append(integer: kind.rawValue)
        writer.append(integer: failure?.reason.rawValue ?? 0)
        writer.append(isLast)
        writer.append(integer: failure?.errno ?? 0)
        writer.append(failure?.message ?? "", limit: PacketLimit.message)
        writer.append(payload)
        return writer.bytes
    }

    package init(decoding packet: [UInt8]) throws(PacketError) {
        guard packet.count <= PacketLimit.packet else { throw .tooLarge }
        var reader = PacketReader(packet)
        number = try reader.integer()
        let rawKind = try reader.integer(UInt8.self)
        guard let kind = RequestKind(rawValue: rawKind) else { throw .unknownKind(rawKind) }
        self.kind = kind
        let status = try reader.integer(UInt8.self)
        isLast = try reader.bool()
        let errno = try reader.integer(Int32.self)
        let message = try reader.text(limit: PacketLimit.message)
        payload = Array(try reader.bytes(reader.remainingCount))
        guard status != 0 else { return }
        guard let reason = KernelFailure.Reason(rawValue: status), payload.isEmpty else { throw .invalidField }
        failure = KernelFailure(reason, errno: errno, message)
    }
}

extension KeeperIdentity {
    package func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.append(integer: Request.protocolVersion)
        writer.append(version, limit: 100)
        writer.append(integer: state.rawValue)
        writer.append(integer: sealingKeyID)
        writer.append(signingKeyID, limit: 100)
        writer.append(integer: UInt16(clamping: signingPublicKey.count))
        writer.append(signingPublicKey)
        writer.append(intakeKey?.bytes ?? [])
        return writer.bytes
    }

    package init(decoding payload: [UInt8]) throws(PacketError) {
        var reader = PacketReader(payload)
        guard try reader.integer(UInt16.self) == Request.protocolVersion else { throw .invalidField }
        version = try reader.text(limit: 100)
        guard let state = State(rawValue: try reader.integer()) else { throw .invalidField }
        self.state = state
        sealingKeyID = try reader.integer()
        signingKeyID = try reader.text(limit: 100)
        signingPublicKey = Array(try reader.bytes(Int(try reader.integer(UInt16.self))))
        guard signingPublicKey.count == (state == .ready ? 32 : 0) else { throw .invalidField }
        if state == .ready { intakeKey = IntakeKey(bytes: Array(try reader.bytes(IntakeKey.byteCount))) }
        try reader.end()
    }
}

extension GeneratedKey {
    package func encoded() -> [UInt8] { publicKey.bytes + sealed.bytes }

    package init(decoding payload: [UInt8]) throws(PacketError) {
        var reader = PacketReader(payload)
        publicKey = try reader.publicKey()
        sealed = try reader.sealedKey()
        try reader.end()
    }
}

extension SealedSecret {
    /// Public key (32) · sealed key (77) · mark (16, zeros for a private key).
    package static let byteCount = PublicKey.byteCount + SealedKey.byteCount + KeyMark.byteCount
    /// As many boxes as fit a request, and as many replies as fit a packet.
    package static let maximumCount = 400

    package static func encoded(_ secrets: [SealedSecret]) -> [UInt8] {
        secrets.flatMap { $0.publicKey.bytes + $0.key.bytes + ($0.mark ?? .unknown).bytes }
    }

    package static func decode(_ payload: [UInt8]) throws(PacketError) -> [SealedSecret] {
        guard payload.count % byteCount == 0 else { throw .truncated }
        var reader = PacketReader(payload)
        return try reader.list(count: payload.count / byteCount) { (reader) throws(PacketError) in
            let (publicKey, key, mark) = (try reader.publicKey(), try reader.sealedKey(), try reader.keyMark())
            return SealedSecret(publicKey: publicKey, key: key, mark: mark == .unknown ? nil : mark)
        }
    }
}
