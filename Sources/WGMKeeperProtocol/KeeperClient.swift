// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// wgmd's end of the connection to the keeper: one request at a time, on a thread of its own.
///
/// What the keeper replies is checked like anything from outside. After a reply that is not one the connection is closed.
/// A client over a descriptor then fails for good with `.keeperGone`; one over a path connects again, with pauses that grow.
package actor KeeperClient {
    /// Seconds that a packet may take; a whole answer of several packets gets no more than twice as long, and that a link is
    /// deleted six times as long.
    package static let timeout: Int32 = 20
    private let executor = BlockingExecutor(label: "wgm.keeper-client")
    private let timeout: Int32
    private let path: String?
    /// Called after each greeting, before any other request.
    private let greeted: @Sendable (KeeperIdentity) -> Void
    /// Called with interfaces that somebody else changed, and with every one after each greeting.
    private let noticed: @Sendable (ChangedLinks) -> Void
    private var connection: Connection
    private var listening: Listening?
    private var pauses = ReconnectPauses()
    private var identity: KeeperIdentity?

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Takes over the descriptor of a connected `SOCK_SEQPACKET` socket.
    package init(
        fileDescriptor: Int32,
        timeout: Int32 = KeeperClient.timeout,
        greeted: @escaping @Sendable (KeeperIdentity) -> Void = { _ in },
        noticed: @escaping @Sendable (ChangedLinks) -> Void = { _ in }
    ) {
        connection = Connection(fileDescriptor: fileDescriptor, timeout: timeout)
        self.timeout = timeout
        path = nil
        self.greeted = greeted
        self.noticed = noticed
    }

    /// Connects to a listening keeper when first asked something, and whenever the connection is lost.
    package init(
        path: String,
        timeout: Int32 = KeeperClient.timeout,
        greeted: @escaping @Sendable (KeeperIdentity) -> Void,
        noticed: @escaping @Sendable (ChangedLinks) -> Void = { _ in }
    ) {
        connection = .none
        self.timeout = timeout
        self.path = path
        self.greeted = greeted
        self.noticed = noticed
    }

    /// Must come first; a later call answers from memory unless the connection is lost.
    package func hello() throws(KernelFailure) -> KeeperIdentity {
        if let path, connection.isBroken { return try reconnect(path) }
        if let identity { return identity }
        return try greet()
    }

    private func greet() throws(KernelFailure) -> KeeperIdentity {
        let payload = try connection.exchange(.hello(version: Request.protocolVersion))
        let identity = try connection.decode(payload) { (bytes) throws(PacketError) in
            try KeeperIdentity(decoding: bytes)
        }
        self.identity = identity
        greeted(identity)
        listen()
        noticed(.everything)
        return identity
    }

    /// Hears what the keeper says unasked, while nothing is asked.
    private func listen() {
        listening = connection.descriptorForWaiting().map { descriptor in
            executor.whenReadable(descriptor) { [weak self] in self?.assumeIsolated { $0.readUnasked() } }
        }
    }

    private func readUnasked() {
        connection.readUnasked()
        if connection.isBroken { listening = nil }
        passOn()
    }

    private func passOn() {
        let changed = connection.takeNoticed()
        if !changed.isEmpty { noticed(changed) }
    }

    @discardableResult
    private func reconnect(_ path: String) throws(KernelFailure) -> KeeperIdentity {
        guard pauses.isOver(at: .now) else { throw Connection.gone("the keeper is away; trying again in a moment") }
        // It holds the old connection open, which keeps a keeper that serves one at a time from taking the new one.
        listening = nil
        do throws(KernelFailure) {
            connection = try Connection(path: path, timeout: timeout)
            let identity = try greet()
            pauses.succeeded()
            return identity
        } catch {
            connection = .none
            pauses.failed(at: .now)
            throw error
        }
    }

    /// A request that found the connection closed has not been seen by anybody, and goes out again over a new one.
    private func exchange(_ body: Request.Body) throws(KernelFailure) -> [UInt8] {
        defer { passOn() }
        guard let path else { return try connection.exchange(body) }
        if connection.isBroken { try reconnect(path) }
        do throws(KernelFailure) {
            return try connection.exchange(body)
        } catch {
            guard connection.wasNotSent else { throw error }
        }
        try reconnect(path)
        return try connection.exchange(body)
    }

    package func generateKey(for interface: InterfaceID) throws(KernelFailure) -> GeneratedKey {
        let payload = try exchange(.generateKey(interface))
        return try connection.decode(payload) { (bytes) throws(PacketError) in try GeneratedKey(decoding: bytes) }
    }

    /// Seals for the interface what callers encrypted to the keeper, in order.
    package func seal(_ boxes: [SecretBox], for interface: InterfaceID) throws(KernelFailure) -> [SealedSecret] {
        var secrets: [SealedSecret] = []
        for start in stride(from: 0, to: boxes.count, by: SealedSecret.maximumCount) {
            let part = Array(boxes[start..<min(start + SealedSecret.maximumCount, boxes.count)])
            let payload = try exchange(.sealSecrets(part, interface))
            secrets += try connection.decode(payload) { (bytes) throws(PacketError) in
                let secrets = try SealedSecret.decode(bytes)
                guard secrets.count == part.count else { throw .invalidField }
                return secrets
            }
        }
        return secrets
    }

    /// Seals for the interface the keys of a link that carries nobody's mark.
    package func secrets(
        of name: InterfaceName,
        for interface: InterfaceID
    ) throws(KernelFailure) -> [SealedSecret] {
        let payload = try exchange(.linkSecrets(name, interface))
        return try connection.decode(payload) { (bytes) throws(PacketError) in try SealedSecret.decode(bytes) }
    }

    /// Sends the change in as many packets as it needs, in order, and stops at the first that fails.
    package func apply(
        _ change: KernelChange,
        to interface: InterfaceName,
        owner: InterfaceID
    ) throws(KernelFailure) {
        for part in change.splitToFit() {
            let payload = try exchange(.change(part, interface: interface, owner: owner))
            try connection.requireEmpty(payload)
        }
    }

    /// nil when there is no such interface.
    package func dump(_ interface: InterfaceName) throws(KernelFailure) -> ActualInterface? {
        let payload = try exchange(.dump(interface))
        guard !payload.isEmpty else { return nil }
        return try connection.decode(payload) { (bytes) throws(PacketError) in
            let actual = try ActualInterface(decoding: bytes)
            guard actual.name == interface else { throw .invalidField }
            return actual
        }
    }

    /// The Ed25519 signature of `base64url(header).base64url(claims)`, 64 bytes.
    package func signToken(_ signingInput: [UInt8]) throws(KernelFailure) -> [UInt8] {
        guard signingInput.count <= PacketLimit.signingInput else {
            throw KernelFailure(.invalidArgument, "a token is at most \(PacketLimit.signingInput) bytes long")
        }
        let payload = try exchange(.signToken(signingInput))
        return try connection.decode(payload) { (bytes) throws(PacketError) in
            guard bytes.count == 64 else { throw .invalidField }
            return bytes
        }
    }

    package func ownedInterfaces() throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        let payload = try exchange(.ownedInterfaces)
        return try connection.decode(payload) { (bytes) throws(PacketError) in try OwnedInterfaces.decode(bytes) }
    }
}
