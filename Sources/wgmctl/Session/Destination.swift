// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMModel
internal import WGMRPC
internal import WGMVerify
internal import WGMWire

/// Where the daemon is to be reached and what is shown and believed there.
///
/// The command line says it, else the environment, else the profile in use, else it is the Unix socket of this host.
struct Destination: Sendable {
    var servers: [ServerAddress]
    /// Paths.
    var authority: String?
    var certificate: String?
    var key: String?
    var tokenFile: String?
    /// Public keys of servers, as `pin(_:)` makes them; instead of an authority.
    var pins: [String] = []

    /// One word for all servers, to keep a token or the last good server by.
    var cacheName: String { servers.map(\.description).joined(separator: " ") }

    /// The path of the socket for a Unix socket, by which tokens have always been kept.
    var tokenCacheName: String? {
        if case .unix(let path) = servers.first, servers.count == 1 { path } else { nil }
    }

    /// All servers are sockets of this machine.
    var isLocal: Bool { servers.allSatisfy { if case .unix = $0 { true } else { false } } }

    /// The first server that can be reached, the one that was good the last time before the others.
    func connect(token: String?, timeout: Duration) throws(Status) -> BlockingClient {
        let memory = servers.count > 1 ? ServerMemory(servers: cacheName) : nil
        var order = servers
        if let good = memory?.read(), let index = order.firstIndex(of: good) { order.swapAt(0, index) }
        var failures: [Status] = []
        for server in order {
            do throws(Status) {
                var client = try connect(to: server, token: token, timeout: timeout)
                client.timeout = timeout
                if server != order.first || !failures.isEmpty || order != servers { memory?.write(server) }
                return client
            } catch {
                failures.append(error)
                // Another server is no better when this one is there and something is wrong with us.
                guard error.code == .unavailable else { throw error }
            }
        }
        guard failures.count > 1, let last = failures.last else {
            throw failures.first ?? Status(.invalidArgument, "no server is named", reason: "NO_SERVER")
        }
        let words = failures.map(\.message).joined(separator: "; ")
        throw Status(.unavailable, words, reason: last.reason ?? "CONNECT_FAILED")
    }

    private func connect(
        to server: ServerAddress,
        token: String?,
        timeout: Duration
    ) throws(Status) -> BlockingClient {
        let agent = "wgmctl/\(WGMVersion.current)"
        switch server {
        case .unix(let path): return try BlockingClient.connect(path: path, token: token, agent: agent)
        case .tls(let host, let port):
            let settings = TLSClientSettings(trust: trust, identity: try identity())
            let patience = min(timeout, .seconds(5))
            let stream = try TLSStream.connect(host: host, port: port, settings: settings, timeout: patience)
            return try BlockingClient(stream, token: token, agent: agent)
        }
    }

    private var trust: TLSClientSettings.Trust {
        guard pins.isEmpty else {
            let pins = pins
            return .key { pins.contains(Self.pin($0)) }
        }
        return authority.map { .authority(path: $0) } ?? .system
    }

    private func identity() throws(Status) -> (certificate: String, key: String)? {
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return (certificate, key)
        default:
            throw Status(.invalidArgument, "--cert and --key belong together", reason: "TLS_FILE")
        }
    }

    /// The public key of a server, whatever it is: for pinning on first use.
    static func publicKeyPin(of server: ServerAddress, timeout: Duration) throws(Status) -> String {
        guard case .tls(let host, let port) = server else {
            throw Status(.invalidArgument, "only the key of a tls:// server can be pinned", reason: "NO_SERVER")
        }
        let found = SeenKey()
        let settings = TLSClientSettings(
            trust: .key { key in
                found.pin.withLock { $0 = Self.pin(key) }
                return true
            }
        )
        _ = try TLSStream.connect(host: host, port: port, settings: settings, timeout: timeout)
        guard let pin = found.pin.withLock({ $0 }) else {
            throw Status(.internal, "\(server) showed no key", reason: "TLS_FAILED")
        }
        return pin
    }

    /// The SHA-256 of a public key's SubjectPublicKeyInfo in base64url.
    private static func pin(_ key: [UInt8]) -> String { Base64.encode(Hash.sha256(key), variant: .url) }
}

/// What a server showed during a handshake.
private final class SeenKey: Sendable {
    let pin = Mutex<String?>(nil)
}
