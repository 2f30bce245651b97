// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Makes tokens; the signature is the keeper's.
struct TokenIssuer: Sendable {
    let keys: TokenKeys
    let kernel: any Kernel
    /// Characters of base64url for the 64 bytes of Ed25519.
    private static let signatureLength = 86

    func sign(_ claims: TokenClaims) async throws(Refusal) -> String {
        guard let keyID = keys.current else {
            throw .kernel(Gateway.noSigningKey, undoneBy: nil)
        }
        let payload = Base64.encode(Array(claims.json.utf8), variant: .url)
        let input = TokenHeader.encoded(keyID: keyID) + "." + payload
        guard input.utf8.count + 1 + Self.signatureLength <= TokenVerifier.maxBytes else {
            let rule = "together the grants make the token longer than \(TokenVerifier.maxBytes) bytes"
            throw .invalid([.init(field: "grants", rule: rule)])
        }
        do throws(KernelFailure) {
            let signature = try await kernel.sign(Array(input.utf8))
            return input + "." + Base64.encode(signature, variant: .url)
        } catch { throw .kernel(error, undoneBy: nil) }
    }
}
