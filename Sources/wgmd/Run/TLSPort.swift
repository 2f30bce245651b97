// SPDX-License-Identifier: Apache-2.0

import Logging
import WGMModel
import WGMRPC
import WGMServer
import WGMService

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

    /// The same, and whether there is anywhere to listen, and a certificate for it.
    static func check(_ configuration: Configuration.TLS?, inheriting sockets: [InheritedSocket]) throws(StartError) {
        let isInherited = sockets.contains(where: \.isOfNetwork)
        guard let configuration else {
            guard isInherited else { return }
            throw StartError(
                "systemd hands over a port, but the configuration has no [tls]: add that, or systemctl disable --now wgmd-tls.socket",
                code: Ending.needsPerson
            )
        }
        guard isInherited || !configuration.listen.isEmpty else {
            throw StartError(
                "[tls] has no `listen` and systemd hands over no port: add `listen`, or stop wgmd and start wgmd-tls.socket",
                code: Ending.needsPerson
            )
        }
        try check(configuration)
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

    /// Listens on the ports that systemd made, instead of `listen`, or on those of `listen`.
    func open(on server: Server<Dispatcher>, inheriting sockets: [InheritedSocket]) async throws(ListenError) {
        var bound: [String] = []
        for socket in sockets {
            bound.append(try await server.listen(tls: identity, inheriting: socket.descriptor))
        }
        if sockets.isEmpty { bound = try await server.listen(tls: identity, at: addresses) }
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
