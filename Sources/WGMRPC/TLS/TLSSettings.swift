// SPDX-License-Identifier: Apache-2.0

/// How a server speaks TLS: always version 1.3 and with the application protocol `wgm/1`.
public struct TLSSettings: Sendable {
    /// Whether clients show a certificate.
    public enum ClientCertificates: String, Sendable, CaseIterable {
        /// None is asked for.
        case off
        /// One that is shown must be good.
        case optional
        /// Without one there is no connection.
        case required
    }

    static let applicationProtocol = "wgm/1"

    /// The path of a PEM file: the server's certificate, then those between it and the root.
    public var certificate: String
    /// The path of a PEM file with the private key, which others must not be able to read.
    public var key: String
    /// The path of a PEM file with the authorities that client certificates may come from.
    public var clientAuthority: String?
    public var clientCertificates: ClientCertificates
    /// Asked before the handshake, on an event loop, with 4 or 16 bytes; it must not wait.
    public var allows: @Sendable (RemoteAddress) -> Bool

    public init(
        certificate: String,
        key: String,
        clientAuthority: String? = nil,
        clientCertificates: ClientCertificates = .off,
        allows: @escaping @Sendable (RemoteAddress) -> Bool = { _ in true }
    ) {
        self.certificate = certificate
        self.key = key
        self.clientAuthority = clientAuthority
        self.clientCertificates = clientCertificates
        self.allows = allows
    }
}
