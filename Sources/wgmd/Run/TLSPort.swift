// SPDX-License-Identifier: Apache-2.0

import Logging
import WGMModel
import WGMRPC
import WGMServer

/// The port for other machines, with certificates that are read again when their files change.
struct TLSPort: Sendable {
    private static let pollInterval: Duration = .seconds(10)

    private let identity: TLSIdentity
    private let addresses: [String]
    private let logger: Logger

    /// Says what is wrong with the files, before anything is started.
    static func check(_ configuration: Configuration.TLS) throws(StartError) {
        _ = try TLSPort(configuration, Logger(label: "wgmd"))
    }

    /// Reads the files: with root's privileges gone, as later, so that what works now works then.
    init(_ configuration: Configuration.TLS, _ logger: Logger) throws(StartError) {
        let allowed = configuration.allow
        let settings = TLSSettings(
            certificate: configuration.certificate,
            key: configuration.key,
            clientAuthority: configuration.clientAuthority,
            clientCertificates: configuration.clientCertificates,
            allows: { remote in
                guard !allowed.isEmpty else { return true }
                return IPAddress(bytes: remote.bytes).map { address in allowed.contains { $0.contains(address) } }
                    ?? false
            }
        )
        do throws(TLSFileError) { identity = try TLSIdentity(settings) } catch {
            throw StartError("[tls] \(error); the file must be readable by the user that wgmd runs as")
        }
        addresses = configuration.listen.map(\.description)
        self.logger = logger
    }

    func open(on server: Server<Dispatcher>) async throws(ListenError) {
        let bound = try await server.listen(tls: identity, at: addresses)
        logger.info("listening with TLS", metadata: ["addresses": "\(bound.joined(separator: " "))"])
    }

    func reload() {
        do throws(TLSFileError) {
            try identity.reload()
            logger.info(
                "the TLS certificate was read again",
                metadata: ["certificate": "\(identity.settings.certificate)"]
            )
        } catch {
            logger.error("the TLS certificate stays the old one", metadata: ["reason": "\(error)"])
        }
    }

    /// Looks every few seconds whether a file was replaced, until cancelled.
    func watch() async {
        while (try? await Task.sleep(for: Self.pollInterval)) != nil {
            if identity.isOutdated { reload() }
        }
    }
}
