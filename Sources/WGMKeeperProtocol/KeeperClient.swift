// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// wgmd's end of the connection to the keeper: one request at a time, on a thread of its own.
///
/// What the keeper replies is checked like anything from outside. After a reply that is not one the connection is closed,
/// and every later call fails with `.keeperGone`.
package actor KeeperClient {
    /// Seconds that a packet may take; a whole answer of several packets gets no more than twice as long.
    package static let timeout: Int32 = 20
    private let executor = BlockingExecutor(label: "wgm.keeper-client")
    private var connection: Connection
    private var identity: KeeperIdentity?

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Takes over the descriptor of a connected `SOCK_SEQPACKET` socket.
    package init(fileDescriptor: Int32, timeout: Int32 = KeeperClient.timeout) {
        connection = Connection(fileDescriptor: fileDescriptor, timeout: timeout)
    }

    /// Must come first; a second call answers from memory.
    package func hello() throws(KernelFailure) -> KeeperIdentity {
        if let identity { return identity }
        let payload = try connection.exchange(.hello(version: Request.protocolVersion))
        let identity = try connection.decode(payload) { (bytes) throws(PacketError) in
            try KeeperIdentity(decoding: bytes)
        }
        self.identity = identity
        return identity
    }

    package func generateKey(for interface: InterfaceID) throws(KernelFailure) -> GeneratedKey {
        let payload = try connection.exchange(.generateKey(interface))
        return try connection.decode(payload) { (bytes) throws(PacketError) in try GeneratedKey(decoding: bytes) }
    }

    /// Sends the change in as many packets as it needs, in order, and stops at the first that fails.
    package func apply(
        _ change: KernelChange,
        to interface: InterfaceName,
        owner: InterfaceID
    ) throws(KernelFailure) {
        for part in change.splitToFit() {
            let payload = try connection.exchange(.change(part, interface: interface, owner: owner))
            try connection.requireEmpty(payload)
        }
    }

    /// nil when there is no such interface.
    package func dump(_ interface: InterfaceName) throws(KernelFailure) -> ActualInterface? {
        let payload = try connection.exchange(.dump(interface))
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
        let payload = try connection.exchange(.signToken(signingInput))
        return try connection.decode(payload) { (bytes) throws(PacketError) in
            guard bytes.count == 64 else { throw .invalidField }
            return bytes
        }
    }

    package func ownedInterfaces() throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        let payload = try connection.exchange(.ownedInterfaces)
        return try connection.decode(payload) { (bytes) throws(PacketError) in try OwnedInterfaces.decode(bytes) }
    }
}
