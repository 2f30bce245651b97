// SPDX-License-Identifier: Apache-2.0

package import WGMModel
internal import WGMVerify

/// Why a token is worthless.
package enum TokenFault: Error, Hashable, Sendable {
    case tooLong, malformed, header, unknownKey, signature, claims, otherNode, notYetValid, expired, lifetime

    /// For the caller; it tells nothing that the caller does not know.
    package var message: String {
        switch self {
        case .tooLong: "the token is longer than \(TokenVerifier.maxBytes) bytes"
        case .malformed: "this is not a token: three parts of base64url between dots are needed"
        case .header: "the token's header is not that of a wgm token"
        case .unknownKey: "the token was signed with a key that this node does not know"
        case .signature: "the token's signature is wrong"
        case .claims: "the token's claims are not those of a wgm token"
        case .otherNode: "the token was issued by another node"
        case .notYetValid: "the token is not valid yet: look at the clocks"
        case .expired: "the token has expired"
        case .lifetime: "the token's lifetime is longer than a token may have"
        }
    }
}

/// Decides whether a token was signed by this node and is within its time.
///
/// Whose user id it is bound to, and whether it has been revoked, is looked at afterwards, on every call.
package struct TokenVerifier: Sendable {
    package static let maxBytes = 4096
    /// Seconds that another clock may be ahead of ours; a token ends by our clock, without allowance.
    static let maxSkew: Int64 = 30
    /// Seconds: one day.
    static let maxLifetime: Int64 = 86_400
    static let type = "wgm-at+jwt"
    /// Both names of Ed25519 in JOSE (RFC 8037, RFC 9864).
    static let algorithms: Set = ["EdDSA", "Ed25519"]

    private let node: ObjectName
    private let keys: TokenKeys

    package init(node: ObjectName, keys: TokenKeys) {
        self.node = node
        self.keys = keys
    }

    package func verify(_ token: String, at now: Timestamp) throws(TokenFault) -> TokenClaims {
        guard token.utf8.count <= Self.maxBytes else { throw .tooLong }
        let bytes = Array(token.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3,
            let header = Base64.decode(parts[0], variant: .url),
            let claims = Base64.decode(parts[1], variant: .url),
            let signature = Base64.decode(parts[2], variant: .url)
        else { throw .malformed }
        let publicKey = try publicKey(header)
        let signed = Array(bytes[..<parts[1].endIndex])
        guard Signature.isValid(signature, of: signed, by: publicKey) else { throw .signature }
        guard let claims = TokenClaims(json: claims) else { throw .claims }
        try check(claims, at: now)
        return claims
    }

    private func publicKey(_ header: [UInt8]) throws(TokenFault) -> [UInt8] {
        guard let members = StrictJSON.parse(header)?.object, Set(members.keys) == ["typ", "alg", "kid"],
            members["typ"]?.string == Self.type,
            let algorithm = members["alg"]?.string, Self.algorithms.contains(algorithm),
            let keyID = members["kid"]?.string
        else { throw .header }
        guard let key = keys.publicKey(keyID) else { throw .unknownKey }
        return key
    }

    private func check(_ claims: TokenClaims, at now: Timestamp) throws(TokenFault) {
        guard claims.issuer == TokenClaims.issuer(node) else { throw .otherNode }
        guard claims.issued > 0, claims.issued <= claims.notBefore, claims.notBefore < claims.expires else {
            throw .claims
        }
        guard claims.expires <= claims.issued.addingReportingOverflow(Self.maxLifetime).partialValue else {
            throw .lifetime
        }
        guard claims.notBefore <= now.seconds + Self.maxSkew else { throw .notYetValid }
        guard now.seconds < claims.expires else { throw .expired }
    }
}
