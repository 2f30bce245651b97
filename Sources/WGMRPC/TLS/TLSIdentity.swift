// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// The certificates and the key of a server as its files have them; new connections get what was read last.
public final class TLSIdentity: Sendable {
    private struct Loaded {
        let context: NIOSSLContext
        let stamps: [TLSFile.Stamp?]
    }

    public let settings: TLSSettings
    private let loaded: Mutex<Loaded>

    /// Reads the files.
    public init(_ settings: TLSSettings) throws(TLSFileError) {
        self.settings = settings
        loaded = Mutex(try Self.load(settings))
    }

    var context: NIOSSLContext { loaded.withLock { $0.context } }

    /// Reads the files again; what was read before stays in use when something is wrong with them.
    public func reload() throws(TLSFileError) {
        let new = try Self.load(settings)
        loaded.withLock { $0 = new }
    }

    /// True when a file is not what was read last.
    public var isOutdated: Bool {
        let stamps = loaded.withLock { $0.stamps }
        return Self.paths(settings).map { TLSFile.stamp(of: $0) } != stamps
    }

    private static func paths(_ settings: TLSSettings) -> [String] {
        [settings.certificate, settings.key] + (settings.clientAuthority.map { [$0] } ?? [])
    }

    private static func load(_ settings: TLSSettings) throws(TLSFileError) -> Loaded {
        let chain = try TLSFile(path: settings.certificate)
        let key = try TLSFile(path: settings.key, isSecret: true)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try chain.certificates().map { .certificate($0) },
            privateKey: .privateKey(try key.privateKey())
        )
        configuration.restrictToWGM()
        var stamps: [TLSFile.Stamp?] = [chain.stamp, key.stamp]
        if settings.clientCertificates != .off {
            guard let path = settings.clientAuthority else {
                throw TLSFileError(path: settings.certificate, words: "client certificates need an authority's file")
            }
            let authority = try TLSFile(path: path)
            stamps.append(authority.stamp)
            configuration.trustRoots = .certificates(try authority.certificates())
            configuration.certificateVerification =
                settings.clientCertificates == .required ? .noHostnameVerification : .optionalVerification
            configuration.sendCANameList = true
        }
        do {
            return Loaded(context: try NIOSSLContext(configuration: configuration), stamps: stamps)
        } catch {
            throw TLSFileError(path: settings.key, words: "is not the key of \(settings.certificate)")
        }
    }
}

extension TLSConfiguration {
    /// TLS 1.3 with our application protocol and nothing else.
    mutating func restrictToWGM() {
        minimumTLSVersion = .tlsv13
        maximumTLSVersion = .tlsv13
        applicationProtocols = [TLSSettings.applicationProtocol]
        shutdownTimeout = .seconds(1)
    }
}

extension TLSFile {
    func certificates() throws(TLSFileError) -> [NIOSSLCertificate] {
        let found = try? NIOSSLCertificate.fromPEMBytes(bytes)
        guard let found, !found.isEmpty else {
            throw TLSFileError(path: path, words: "holds no certificate in PEM form")
        }
        return found
    }

    func privateKey() throws(TLSFileError) -> NIOSSLPrivateKey {
        do { return try NIOSSLPrivateKey(bytes: bytes, format: .pem) } catch {
            throw TLSFileError(path: path, words: "holds no private key in PEM form without a passphrase")
        }
    }
}
