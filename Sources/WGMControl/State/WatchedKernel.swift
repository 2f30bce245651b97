// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMModel

/// The kernel port, which remembers whether the keeper answered the last time.
final class WatchedKernel: Kernel {
    private let kernel: any Kernel
    private let lastFailure = Mutex<KernelFailure?>(nil)

    init(_ kernel: any Kernel) { self.kernel = kernel }

    /// nil while the keeper answers.
    var keeperFailure: KernelFailure? { lastFailure.withLock { $0 } }

    func generateKey(
        for interface: InterfaceID
    ) async throws(KernelFailure) -> (publicKey: PublicKey, sealed: SealedKey) {
        try await watch { () async throws(KernelFailure) in try await kernel.generateKey(for: interface) }
    }

    func intakeKey() async throws(KernelFailure) -> IntakeKey {
        try await watch { () async throws(KernelFailure) in try await kernel.intakeKey() }
    }

    func seal(_ boxes: [SecretBox], for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        try await watch { () async throws(KernelFailure) in try await kernel.seal(boxes, for: interface) }
    }

    func secrets(of name: InterfaceName, for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret] {
        try await watch { () async throws(KernelFailure) in try await kernel.secrets(of: name, for: interface) }
    }

    func apply(_ change: KernelChange, to name: InterfaceName, owner: InterfaceID) async throws(KernelFailure) {
        try await watch { () async throws(KernelFailure) in try await kernel.apply(change, to: name, owner: owner) }
    }

    func dump(_ name: InterfaceName) async throws(KernelFailure) -> ActualInterface? {
        try await watch { () async throws(KernelFailure) in try await kernel.dump(name) }
    }

    func ownedInterfaces() async throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        try await watch { () async throws(KernelFailure) in try await kernel.ownedInterfaces() }
    }

    func sign(_ input: [UInt8]) async throws(KernelFailure) -> [UInt8] {
        try await watch { () async throws(KernelFailure) in try await kernel.sign(input) }
    }

    private func watch<Result>(
        _ body: () async throws(KernelFailure) -> Result
    ) async throws(KernelFailure) -> Result {
        do throws(KernelFailure) {
            let result = try await body()
            lastFailure.withLock { $0 = nil }
            return result
        } catch {
            let isGone = error.reason == .keeperGone || error.reason == .sealed || error.reason == .journal
            lastFailure.withLock { $0 = isGone ? error : nil }
            throw error
        }
    }
}
