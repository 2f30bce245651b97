// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import WGMModel

extension Gateway {
    /// How late a moment is noticed when somebody sets the clock meanwhile.
    private static let rotationCheck: Duration = .seconds(1)

    /// Puts announced keys in force at their moments, until cancelled.
    func keepRotations() async {
        while true {
            let next = view.interfaces.compactMap { $0.rotation?.due }.filter { $0 > clock.now }.min()
            let wait = Duration.milliseconds((next?.milliseconds ?? .max / 2) - clock.now.milliseconds + 1)
            guard (try? await Task.sleep(for: min(Self.rotationCheck, wait))) != nil else { return }
            await switchDueKeys()
        }
    }

    /// What cannot be done now is tried again; so is what a kill cut off between the database and the kernel.
    func switchDueKeys() async {
        guard view.isLoaded else { return }
        for name in view.interfaces.map(\.name) where isDue(name) != nil || keyInTheWay(of: name) != nil {
            await lanes.withLock(name) { () async in
                // Somebody may have been faster.
                if isDue(name) != nil { await switchDueKey(of: name) }
                if let old = keyInTheWay(of: name) { await followKey(of: name, insteadOf: old) }
            }
        }
    }

    private func isDue(_ name: InterfaceName) -> Timestamp? {
        view.interface(name)?.rotation?.due.flatMap { $0 <= clock.now ? $0 : nil }
    }

    /// The key that a switch was to do away with, and that the kernel still has.
    private func keyInTheWay(of name: InterfaceName) -> PublicKey? {
        guard let other = view.interface(name)?.rotation?.other.publicKey, let progress = view.progress(name),
            !progress.isSettled, progress.key?.publicKey == other
        else { return nil }
        return other
    }

    private func switchDueKey(of name: InterfaceName) async {
        do throws(Refusal) {
            let step = KeyStep.switchOver(nil, now: clock.now)
            let entry = rotationContext(name).entry(message: "the announced key is in force from now on")
            _ = try await commit(.rotateKey(name, step), entry, key: nil)
            logger.notice("the announced key is in force", metadata: ["interface": "\(name)"])
        } catch {
            logger.error(
                "an announced key was not put in force; trying again",
                metadata: ["interface": "\(name)", "reason": "\(error)"]
            )
        }
    }

    private func followKey(of name: InterfaceName, insteadOf old: PublicKey) async {
        let revision = view.progress(name)?.changed ?? view.revision
        do throws(KernelFailure) {
            try await proveKey(of: name, insteadOf: old, after: revision, rotationContext(name))
        } catch {
            logger.error(
                "the kernel has not followed to the new key; trying again",
                metadata: ["interface": "\(name)", "reason": "\(error.message)"]
            )
        }
    }

    private func rotationContext(_ name: InterfaceName) -> CallContext {
        CallContext(
            credential: nil,
            uid: nil,
            method: "wgmd/rotate-key",
            resource: "node/\(node)/interface/\(name)",
            requestID: "",
            time: clock.now
        )
    }
}
