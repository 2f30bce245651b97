// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOSSL
internal import WGMWire

/// Whom a client believes, and who it says it is.
public struct TLSClientSettings {
    /// What makes a server's certificate good.
    public enum Trust {
        /// It is for the name or address that was asked for, and from an authority that the system knows.
        case system
        /// It is for the name or address that was asked for, and from an authority in this PEM file.
        case authority(path: String)
        /// Its public key (SubjectPublicKeyInfo, DER) is accepted by this function; neither name nor dates are looked at.
        case key(accepts: @Sendable ([UInt8]) -> Bool)
    }

    public var trust: Trust
    /// Paths of PEM files: the client's certificate and its private key.
    public var identity: (certificate: String, key: String)?

    public init(trust: Trust = .system, identity: (certificate: String, key: String)? = nil) {
        self.trust = trust
        self.identity = identity
    }

    func handler(host: String) throws(TLSFileError) -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.restrictToWGM()
        var accepts: (@Sendable ([UInt8]) -> Bool)?
        switch trust {
        case .system: break
        case .authority(let path):
            configuration.trustRoots = .certificates(try TLSFile(path: path).certificates())
        case .key(let function):
            // The callback decides alone; there must be roots all the same, or none is asked.
            configuration.trustRoots = .certificates([])
            configuration.certificateVerification = .noHostnameVerification
            accepts = function
        }
        if let identity {
            let chain = try TLSFile(path: identity.certificate).certificates()
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try TLSFile(path: identity.key, isSecret: true).privateKey())
        }
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        do {
            let context = try NIOSSLContext(configuration: configuration)
            guard let accepts else {
                return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
            }
            return try NIOSSLClientHandler(
                context: context,
                serverHostname: isAddress ? nil : host,
                customVerificationCallback: { chain, promise in
                    let key = chain.first.flatMap { try? $0.extractPublicKey().toSPKIBytes() }
                    promise.succeed(key.map(accepts) == true ? .certificateVerified : .failed)
                }
            )
        } catch {
            let path = identity?.key ?? host
            throw TLSFileError(path: path, words: "the certificate, the key and the host's name do not fit together")
        }
    }
}
