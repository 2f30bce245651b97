// SPDX-License-Identifier: Apache-2.0

package import WGMKeeperProtocol
internal import WGMKeys
package import WGMModel

/// The privileged half as a state machine: one packet in, its replies or the end of the connection out.
package struct Keeper<Kernel: KeeperKernel & ~Copyable>: ~Copyable {
    package enum Answer: Hashable, Sendable {
        case replies([[UInt8]])
        case close(Offence)
    }

    /// Why a connection ends.
    package enum Offence: Hashable, Sendable {
        case malformed(PacketError)
        case noHelloFirst
        case secondHello
        case otherVersion(UInt16)
    }

    private let version: String
    private var kernel: Kernel
    private let keys: KeyRing
    private var journal: Journal
    private var hasGreeted = false
    private var changed = ChangedLinks()
    /// False from a notice until the next request.
    private var mayNotify = false

    package init(version: String, kernel: consuming Kernel, keys: consuming KeyRing, journal: consuming Journal) {
        self.version = version
        self.kernel = kernel
        self.keys = keys
        self.journal = journal
    }

    /// To be called for each new connection: each has to say hello for itself.
    package mutating func beginConnection() {
        hasGreeted = false
        mayNotify = false
        // Who connects looks at everything.
        _ = kernel.takeEvents()
        changed = ChangedLinks()
    }

    /// Can be read when there may be a notice to send; nil when there never is.
    package var eventDescriptor: Int32? { kernel.eventDescriptor }

    /// What to tell wgmd unasked: that somebody else changed interfaces.
    ///
    /// nil when there is nothing, or when the last notice was not followed by a request: one at a time, however much happens.
    package mutating func notice() -> [UInt8]? {
        changed.formUnion(kernel.takeEvents())
        guard mayNotify, !changed.isEmpty else { return nil }
        defer { changed = ChangedLinks() }
        mayNotify = false
        return Notice(changed).encoded()
    }

    package mutating func answer(_ packet: [UInt8], at time: Timestamp) -> Answer {
        let request: Request
        do {
            request = try Request(decoding: packet)
        } catch {
            return .close(.malformed(error))
        }
        if let offence = offence(in: request) { return .close(offence) }
        hasGreeted = true
        mayNotify = true
        do {
            let payload = try perform(request, packet, at: time)
            return .replies(Self.replies(to: request, payload))
        } catch {
            return .replies([Reply(to: request, failure: error).encoded()])
        }
    }

    private func offence(in request: Request) -> Offence? {
        switch (request.body, hasGreeted) {
        case (.hello(let version), false): version == Request.protocolVersion ? nil : .otherVersion(version)
        case (.hello, true): .secondHello
        case (_, false): .noHelloFirst
        case (_, true): nil
        }
    }

    private mutating func perform(
        _ request: Request,
        _ packet: [UInt8],
        at time: Timestamp
    ) throws(KernelFailure) -> [UInt8] {
        switch request.body {
        case .hello:
            return try identity().encoded()
        case .generateKey(let interface):
            return try generateKey(for: interface).encoded()
        case .change(let change, let interface, let owner):
            try apply(change, to: interface, owner: owner, JournalSubject(request, packet, interface, owner, time))
            return []
        case .dump(let interface):
            return try kernel.dump(interface, marking: keys.isReady ? keys.sealing.marker : nil)?.encoded() ?? []
        case .signToken(let input):
            return try sign(input, at: time)
        case .ownedInterfaces:
            return try ownedInterfaces()
        case .linkSecrets(let name, let interface):
            try requireKeys()
            return SealedSecret.encoded(try kernel.secrets(of: name, for: interface, keys: keys.sealing))
        case .sealSecrets(let boxes, let interface):
            return SealedSecret.encoded(try seal(boxes, of: interface))
        }
    }

    /// Only a dump, and the keys of a link, may take more than one packet.
    private static func replies(to request: Request, _ payload: [UInt8]) -> [[UInt8]] {
        guard payload.count > PacketLimit.dumpPart else { return [Reply(to: request, payload: payload).encoded()] }
        guard payload.count <= PacketLimit.dump else {
            let failure = KernelFailure(.other, "the interface has more peers than a dump can hold")
            return [Reply(to: request, failure: failure).encoded()]
        }
        return stride(from: 0, to: payload.count, by: PacketLimit.dumpPart).map { start in
            let end = min(start + PacketLimit.dumpPart, payload.count)
            var reply = Reply(to: request, payload: Array(payload[start..<end]))
            reply.isLast = end == payload.count
            return reply.encoded()
        }
    }
}

extension Keeper where Kernel: ~Copyable {
    private func identity() throws(KernelFailure) -> KeeperIdentity {
        KeeperIdentity(
            version: version,
            state: keys.isReady ? .ready : .sealed,
            sealingKeyID: keys.isReady ? keys.sealing.id : 0,
            signingKeyID: keys.isReady ? keys.signing.keyID : "",
            signingPublicKey: keys.isReady ? keys.signing.publicKey : [],
            intakeKey: keys.isReady ? try intake().publicKey : nil
        )
    }

    /// Made when needed: a key less in memory.
    private func intake() throws(KernelFailure) -> IntakeKeyPair {
        do { return try IntakeKeyPair(of: keys.sealing) } catch {
            throw KernelFailure(.other, "the intake key could not be made: \(error)")
        }
    }

    private func seal(_ boxes: [SecretBox], of interface: InterfaceID) throws(KernelFailure) -> [SealedSecret] {
        try requireKeys()
        guard boxes.count <= SealedSecret.maximumCount else {
            throw KernelFailure(.invalidArgument, "at most \(SealedSecret.maximumCount) secrets at once")
        }
        let intake = try intake()
        var secrets: [SealedSecret] = []
        for box in boxes {
            do { secrets.append(try intake.reseal(box, of: interface, keys.sealing)) } catch {
                throw KernelFailure(.invalidArgument, "a secret is not one that was encrypted to this keeper")
            }
        }
        return secrets
    }

    private func generateKey(for interface: InterfaceID) throws(KernelFailure) -> GeneratedKey {
        try requireKeys()
        do {
            let key = try PrivateKey.generate()
            return GeneratedKey(publicKey: key.publicKey, sealed: try keys.sealing.seal(key, of: interface))
        } catch {
            throw KernelFailure(.other, "no key could be made: \(error)")
        }
    }

    /// Nothing is changed unless the intent is on disk.
    private mutating func apply(
        _ change: KernelChange,
        to interface: InterfaceName,
        owner: InterfaceID,
        _ subject: JournalSubject
    ) throws(KernelFailure) {
        if change.needsKeys { try requireKeys() }
        do {
            try journal.recordIntent(of: subject)
        } catch {
            throw error.kernelFailure
        }
        do {
            try kernel.apply(change, to: interface, owner: owner, keys: keys.sealing)
        } catch {
            journal.recordOutcome(of: subject, failure: error)
            throw error
        }
        journal.recordOutcome(of: subject, failure: nil)
    }

    private func sign(_ input: [UInt8], at time: Timestamp) throws(KernelFailure) -> [UInt8] {
        try requireKeys()
        guard let claims = tokenClaims(in: input, keyID: keys.signing.keyID) else {
            throw KernelFailure(.invalidArgument, "only a token of this node under its present signing key is signed")
        }
        guard TokenTimes(claims)?.isPresent(at: time.seconds) == true else {
            throw KernelFailure(.invalidArgument, "only a token that begins now and ends within a day is signed")
        }
        do {
            return try keys.signing.sign(input)
        } catch {
            throw KernelFailure(.other, "the token could not be signed: \(error)")
        }
    }

    private mutating func ownedInterfaces() throws(KernelFailure) -> [UInt8] {
        let owners = try kernel.ownedInterfaces()
        guard owners.count <= OwnedInterfaces.maximumCount else {
            throw KernelFailure(.other, "there are more than \(OwnedInterfaces.maximumCount) interfaces")
        }
        return OwnedInterfaces.encoded(owners)
    }

    private func requireKeys() throws(KernelFailure) {
        guard keys.isReady else {
            throw KernelFailure(.sealed, "the keeper is sealed: give it the key-encryption key and start it again")
        }
    }
}

extension KernelChange {
    fileprivate var needsKeys: Bool {
        switch self {
        case .setDevice(let privateKey, _, _): privateKey != nil
        case .setPeers(let peers):
            peers.contains { peer in
                if case .set = peer.presharedKey { true } else { false }
            }
        default: false
        }
    }
}

/// The claims of `header.claims` with the one header of this key and canonical base64url of something in braces.
private func tokenClaims(in input: [UInt8], keyID: String) -> [UInt8]? {
    let header = Array(TokenHeader.encoded(keyID: keyID).utf8) + [UInt8(ascii: ".")]
    guard input.starts(with: header) else { return nil }
    let claims = Base64.decode(input.dropFirst(header.count), variant: .url)
    return claims?.first == UInt8(ascii: "{") && claims?.last == UInt8(ascii: "}") ? claims : nil
}
