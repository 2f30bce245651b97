// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMKeeperProtocol
import WGMModel

/// The keeper at the other end of the socket, in the role that the rules know.
struct KeeperKernel: Kernel {
    let client: KeeperClient

    func generateKey(
        for interface: InterfaceID
    ) async throws(KernelFailure) -> (publicKey: PublicKey, sealed: SealedKey) {
        let key = try await client.generateKey(for: interface)
        return (key.publicKey, key.sealed)
    }

    func intakeKey() async throws(KernelFailure) -> IntakeKey {
        guard let key = try await client.hello().intakeKey else {
            throw KernelFailure(.sealed, "the keeper is sealed: give it the key-encryption key and start it again")
        }
        return key
    }

    func seal(_ boxes: [SecretBox], for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        try await client.seal(boxes, for: interface)
    }

    func secrets(of name: InterfaceName, for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        try await client.secrets(of: name, for: interface)
    }

    func apply(_ change: KernelChange, to name: InterfaceName, owner: InterfaceID) async throws(KernelFailure) {
        try await client.apply(change, to: name, owner: owner)
    }

    func dump(_ name: InterfaceName) async throws(KernelFailure) -> ActualInterface? {
        try await client.dump(name)
    }

    func ownedInterfaces() async throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        try await client.ownedInterfaces()
    }

    func sign(_ input: [UInt8]) async throws(KernelFailure) -> [UInt8] {
        try await client.signToken(input)
    }
}
