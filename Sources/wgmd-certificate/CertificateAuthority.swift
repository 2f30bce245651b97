// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import SwiftASN1
import WGMModel
import X509

/// A private authority for gateways and those who call them, for people who have none.
struct CertificateAuthority {
    /// What a certificate is good for.
    enum Purpose {
        case server(hosts: [String])
        case client(name: String)

        var name: String {
            switch self {
            case .server(let hosts): hosts.first ?? "wgmd"
            case .client(let name): name
            }
        }
    }

    private static let lifetimeInDays = 3650
    /// Clocks of other machines may be behind ours.
    private static let clockSkew: TimeInterval = 300

    let certificate: Certificate
    let key: Certificate.PrivateKey

    /// A new one, with a key of its own.
    init(name: String, now: Date) throws {
        key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName(name) }
        let publicKey = key.publicKey
        certificate = try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-Self.clockSkew),
            notValidAfter: now.addingTimeInterval(TimeInterval(Self.lifetimeInDays) * 86_400),
            issuer: subject,
            subject: subject,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            },
            issuerPrivateKey: key
        )
    }

    /// One that was made before, from its PEM files' text.
    init(certificatePEM: String, keyPEM: String) throws {
        certificate = try Certificate(pemEncoded: certificatePEM)
        key = try Certificate.PrivateKey(pemEncoded: keyPEM)
    }

    /// A certificate signed by this authority, and its new key, both in PEM form.
    func issue(_ purpose: Purpose, days: Int, now: Date) throws -> (certificate: String, key: String) {
        let newKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let end = now.addingTimeInterval(TimeInterval(days) * 86_400)
        let issued = try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: newKey.publicKey,
            notValidBefore: min(now.addingTimeInterval(-Self.clockSkew), end.addingTimeInterval(-Self.clockSkew)),
            notValidAfter: min(end, certificate.notValidAfter),
            issuer: certificate.subject,
            subject: try DistinguishedName { CommonName(purpose.name) },
            extensions: try extensions(purpose, newKey.publicKey),
            issuerPrivateKey: key
        )
        return (try issued.serializeAsPEM().pemString, try newKey.serializeAsPEM().pemString)
    }

    private func extensions(
        _ purpose: Purpose,
        _ publicKey: Certificate.PublicKey
    ) throws -> Certificate.Extensions {
        let issuer = SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier
        let names: [GeneralName] =
            switch purpose {
            case .server(let hosts): hosts.map(Self.generalName)
            case .client(let name): [.dnsName(name)]
            }
        let usage: ExtendedKeyUsage.Usage =
            switch purpose {
            case .server: .serverAuth
            case .client: .clientAuth
            }
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([usage])
            SubjectAlternativeNames(names)
            SubjectKeyIdentifier(hash: publicKey)
            AuthorityKeyIdentifier(keyIdentifier: issuer)
        }
    }

    private static func generalName(_ host: String) -> GeneralName {
        guard let address = IPAddress(host) else { return .dnsName(host) }
        return .ipAddress(ASN1OctetString(contentBytes: address.bytes[...]))
    }
}
