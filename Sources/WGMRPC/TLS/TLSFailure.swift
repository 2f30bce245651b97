// SPDX-License-Identifier: Apache-2.0
internal import NIOSSL
internal import WGMWire

/// Words for what goes wrong in TLS; BoringSSL's own are for those who know its source.
enum TLSFailure {
    /// For the server's record.
    static func words(handshake error: any Error) -> String {
        let text = "\(error)"
        for (mark, words) in serverWords where text.contains(mark) { return words }
        return "the TLS handshake with the client could not be completed"
    }

    private static let serverWords = [
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "the client showed no certificate, and one is required"),
        ("CERTIFICATE_VERIFY_FAILED", "the client's certificate is expired, or from another authority than ours"),
        ("UNSUPPORTED_PROTOCOL", "the client speaks no TLS 1.3"),
        ("NO_SHARED_CIPHER", "the client and this server have no cipher in common"),
        ("ALERT_UNKNOWN_CA", "the client does not know the authority of this server's certificate"),
        ("ALERT_CERTIFICATE_EXPIRED", "the client found this server's certificate expired"),
        ("ALERT_BAD_CERTIFICATE", "the client refused this server's certificate"),
        ("ALERT_CERTIFICATE_UNKNOWN", "the client refused this server's certificate"),
        ("EOF", "the client went away during the TLS handshake"),
        ("uncleanShutdown", "the client went away during the TLS handshake"),
        ("HTTP_REQUEST", "this port speaks TLS 1.3 only, and this is plain text"),
    ]

    /// For the client, about the server named.
    static func status(_ error: any Error, server: String) -> Status {
        let text = "\(error)"
        for (mark, code, reason, words) in clientWords where text.contains(mark) {
            return Status(code, "\(server): \(words)", reason: reason)
        }
        return Status(.unavailable, "\(server): TLS failed: \(brief(text))", reason: "TLS_FAILED")
    }

    private static let clientWords: [(mark: String, code: StatusCode, reason: String, words: String)] = [
        (
            "ALERT_CERTIFICATE_EXPIRED", .unauthenticated, "CERTIFICATE_REFUSED",
            "the server refuses the client certificate: it has expired"
        ),
        (
            "ALERT_UNKNOWN_CA", .unauthenticated, "CERTIFICATE_REFUSED",
            "the server refuses the client certificate: it is from an authority that the server does not know"
        ),
        (
            "CERTIFICATE_REQUIRED", .unauthenticated, "CERTIFICATE_REQUIRED",
            "the server wants a client certificate"
        ),
        (
            "ALERT_BAD_CERTIFICATE", .unauthenticated, "CERTIFICATE_REFUSED",
            "the server refuses the client certificate"
        ),
        (
            "CERTIFICATE_UNKNOWN", .unauthenticated, "CERTIFICATE_REFUSED",
            "the server refuses the client certificate"
        ),
        (
            "CERTIFICATE_VERIFY_FAILED", .unauthenticated, "SERVER_UNTRUSTED",
            "the server's certificate is not to be trusted: it is from another authority, or expired"
        ),
        (
            "unableToValidateCertificate", .unauthenticated, "SERVER_UNTRUSTED",
            "the server's certificate is for another name than the one that was asked for"
        ),
        (
            "ailedToValidateHostname", .unauthenticated, "SERVER_UNTRUSTED",
            "the server's certificate is for another name than the one that was asked for"
        ),
        ("NO_APPLICATION_PROTOCOL", .failedPrecondition, "NOT_WGM", "this is no wgmd: it does not speak wgm/1"),
        ("PROTOCOL_VERSION", .failedPrecondition, "NO_TLS_1_3", "the server speaks no TLS 1.3"),
        ("UNSUPPORTED_PROTOCOL", .failedPrecondition, "NO_TLS_1_3", "the server speaks no TLS 1.3"),
        ("WRONG_VERSION_NUMBER", .failedPrecondition, "NOT_WGM", "this is no wgmd: it speaks no TLS"),
    ]

    /// Nothing else is looked at where a key is pinned.
    static func keyChanged(of server: String) -> Status {
        let words = "another key than the pinned one: the gateway has a new key, or somebody else answers in its place"
        return Status(.unauthenticated, "\(server) shows \(words)", reason: "KEY_CHANGED")
    }

    private static func brief(_ text: String) -> String { String(text.prefix(200)) }
}
