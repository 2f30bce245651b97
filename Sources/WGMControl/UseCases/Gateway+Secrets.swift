// SPDX-License-Identifier: Apache-2.0

package import WGMModel

extension Gateway {
    /// The key that callers encrypt secrets to, so that nobody but the keeper reads them.
    package func intakeKey(_ context: CallContext) async throws(Refusal) -> IntakeKey {
        do throws(KernelFailure) {
            let key = try await kernel.intakeKey()
            record(context)
            return key
        } catch { throw .kernel(error, undoneBy: nil) }
    }

    func withPresharedKeys(_ request: CheckedPeers) async throws(Refusal) -> [NewPeer] {
        guard !request.presharedKeys.isEmpty else { return request.peers }
        guard let interface = view.interface(request.interface) else {
            throw .store(.notFound(.interface(request.interface)))
        }
        var peers = request.peers
        let boxes = request.presharedKeys.map(\.box)
        let keys = request.presharedKeys.map { peers[$0.index].publicKey }
        for (secret, index) in zip(
            try await sealed(boxes, for: keys, of: interface.id) { "peers[\(request.presharedKeys[$0].index)]." },
            request.presharedKeys.map(\.index)
        ) { peers[index].presharedKey = secret }
        return peers
    }

    /// Preshared keys, each sealed for its peer; `path` leads to the one with this number in the request.
    func sealed(
        _ boxes: [SecretBox],
        for peers: [PublicKey],
        of interface: InterfaceID,
        path: (Int) -> String
    ) async throws(Refusal) -> [SealedPresharedKey] {
        let secrets: [SealedSecret]
        do throws(KernelFailure) {
            secrets = try await kernel.seal(boxes, for: interface)
        } catch {
            guard error.reason == .invalidArgument else { throw .kernel(error, undoneBy: nil) }
            throw .invalid([.init(field: path(0) + "preshared_key", rule: error.message)])
        }
        var sealed: [SealedPresharedKey] = []
        for (index, secret) in secrets.enumerated() {
            guard let mark = secret.mark, secret.publicKey == peers[index] else {
                throw .invalid([.init(field: path(index) + "preshared_key", rule: "it was encrypted for another peer")])
            }
            sealed.append(SealedPresharedKey(key: secret.key, mark: mark))
        }
        return sealed
    }
}
