// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// The privileged half as the rules see it: the keeper, over its socket.
package protocol Kernel: Sendable {
    /// Makes a WireGuard key pair; the private half is sealed for this interface alone.
    func generateKey(
        for interface: InterfaceID
    ) async throws(KernelFailure) -> (publicKey: PublicKey, sealed: SealedKey)

    /// The key that callers encrypt secrets to, so that only the keeper can read them.
    func intakeKey() async throws(KernelFailure) -> IntakeKey

    /// Opens what callers encrypted to the keeper, and seals it for this interface; in order.
    func seal(_ boxes: [SecretBox], for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret]

    /// Seals for this interface the keys of a link that carries nobody's mark: the private key, which has no mark, and
    /// preshared keys.
    func secrets(of name: InterfaceName, for interface: InterfaceID) async throws(KernelFailure) -> [SealedSecret]

    func apply(_ change: KernelChange, to name: InterfaceName, owner: InterfaceID) async throws(KernelFailure)

    /// nil when there is no link of that name.
    func dump(_ name: InterfaceName) async throws(KernelFailure) -> ActualInterface?

    /// The links that carry wgm's mark.
    func ownedInterfaces() async throws(KernelFailure) -> [InterfaceName: InterfaceID]

    /// Signs `base64url(header).base64url(claims)`, whose header must be the keeper's own; 64 bytes of Ed25519.
    func sign(_ input: [UInt8]) async throws(KernelFailure) -> [UInt8]
}

/// The time, as an argument.
package protocol Clock: Sendable {
    var now: Timestamp { get }
    /// Milliseconds of a clock that nobody sets; it goes on while the machine sleeps.
    var steady: Int64 { get }
}

private let steadyBeginning = ContinuousClock.now

extension Clock {
    package var steady: Int64 { Int64(steadyBeginning.duration(to: .now) / .milliseconds(1)) }
}
