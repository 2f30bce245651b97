// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Who alone may use a token: a user of this host over the Unix socket, the holder of a certificate over TLS, or either.
package struct TokenBinding: Hashable, Sendable {
    private static let digestByteCount = 32

    package let uid: UInt32?
    /// The SHA-256 of the client certificate's DER form (`x5t#S256` of RFC 8705), 32 bytes.
    package let certificate: [UInt8]?

    /// nil for a binding to nobody, or a digest of another length.
    package init?(uid: UInt32?, certificate: [UInt8]? = nil) {
        guard uid != nil || certificate != nil, certificate?.count ?? Self.digestByteCount == Self.digestByteCount
        else {
            return nil
        }
        self.uid = uid
        self.certificate = certificate
    }

    package init(uid: UInt32) {
        self.uid = uid
        certificate = nil
    }

    /// The digest in base64url, as tokens and replies carry it.
    package var certificateText: String? { certificate.map { Base64.encode($0, variant: .url) } }

    /// A digest as a person may have it: in base64url, or in hex with or without colons.
    static func digest(_ text: String) -> [UInt8]? {
        let digits = text.utf8.filter { $0 != UInt8(ascii: ":") }
        guard digits.count == 2 * digestByteCount else {
            return Base64.decode(text.utf8, variant: .url).flatMap { $0.count == digestByteCount ? $0 : nil }
        }
        let nibbles = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard nibbles.count == digits.count else { return nil }
        return stride(from: 0, to: nibbles.count, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
    }
}

extension TokenBinding {
    /// The claim `cnf`.
    var json: String {
        let members = [
            uid.map { #""uid":\#($0)"# }, certificateText.map { #""x5t#S256":\#(StrictJSON.quote($0))"# },
        ]
        return "{" + members.compactMap(\.self).joined(separator: ",") + "}"
    }

    /// nil unless there is a known member at least and no unknown one.
    init?(claim: StrictJSON) {
        guard let object = claim.object, Set(object.keys).isSubset(of: ["uid", "x5t#S256"]) else { return nil }
        var uid: UInt32?
        var certificate: [UInt8]?
        if let claim = object["uid"] {
            guard let number = claim.integer.flatMap({ UInt32(exactly: $0) }) else { return nil }
            uid = number
        }
        if let claim = object["x5t#S256"] {
            guard let text = claim.string, let bytes = Base64.decode(text.utf8, variant: .url) else { return nil }
            certificate = bytes
        }
        self.init(uid: uid, certificate: certificate)
    }
}

/// Who the transport says is calling.
package enum Bearer: Hashable, Sendable {
    /// The user at the other end of the Unix socket.
    case user(UInt32)
    /// Over TLS; the SHA-256 of the client certificate, if one was shown.
    case remote(certificate: [UInt8]?)
    case unknown

    /// nil when a token with this binding may be used by this caller; else why not, and what to do about it.
    func refusal(of binding: TokenBinding) -> String? {
        switch self {
        case .user(let uid):
            guard let bound = binding.uid else {
                return "the token is bound to a client certificate and is good over TLS only"
            }
            return bound == uid ? nil : "the token is bound to another user id than the caller's"
        case .remote(let certificate):
            guard let bound = binding.certificate else {
                return "the token is bound to a user of the gateway's host and is refused over TLS: "
                    + "issue one with --bind-certificate"
            }
            guard let certificate else {
                return "the token is bound to a client certificate, and none was shown: use --cert and --key"
            }
            return bound == certificate ? nil : "the token is bound to another client certificate than the caller's"
        case .unknown: return "it is not known who is calling, and the token is bound to somebody"
        }
    }
}
