// SPDX-License-Identifier: Apache-2.0

import Logging
import WGMModel
import WGMRPC
import WGMWire

/// What `/etc/wgm/wgmd.toml` says; every key has a default, so that an empty file is a good one.
struct Configuration: Equatable {
    /// Where the desired state and the audit log live.
    enum Database: Equatable {
        /// A private PostgreSQL cluster in the state folder, made and run by wgmd.
        case embedded
        /// A libpq connection URI, `postgresql://…`.
        case external(uri: String)

        /// True when the URI itself holds one.
        var hasPassword: Bool {
            guard case .external(let uri) = self, let start = uri.firstRange(of: "://") else { return false }
            let rest = uri[start.upperBound...]
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            let user = authority.lastIndex(of: "@").map { authority[..<$0] }
            return user?.contains(":") == true || rest.contains("password=")
        }
    }

    /// This gateway's name in resource paths and audit records.
    var node: String
    /// The folder for the keeper's keys and journal, and for the embedded cluster.
    var state = "/var/lib/wgm"
    var socket = "/run/wgm/wgmd.sock"
    /// Whose members may open the socket; rights still come from roles.
    var socketGroup = "wgm"
    var database = Database.embedded
    var user = "wgmd"
    var keeperUser = "wgmd-keeper"
    var postgresUser = "wgmd-postgres"
    /// The userspace WireGuard for kernels without one; nil switches it off.
    var userspaceProgram: String? = "/usr/bin/wireguard-go"
    /// nil: beside wgmd, else `/usr/libexec/wgm/wgmd-keeper`.
    var keeperProgram: String?
    /// The socket of a keeper that systemd runs; nil: wgmd starts one of its own.
    var keeperSocket: String?
    /// The folder of the embedded database's socket if another unit runs it; nil: wgmd runs it.
    var databaseSocket: String?
    var logLevel = Logger.Level.info

    /// nil: no port is opened to the network.
    var tls: TLS?

    /// Of connections, frames and calls.
    var limits = WireLimits()

    /// The listener for other machines.
    struct TLS: Equatable {
        /// Addresses with ports; not used when systemd hands over a port.
        var listen: [Endpoint] = []
        var certificate = ""
        var key = ""
        var clientAuthority: String?
        var clientCertificates = TLSSettings.ClientCertificates.optional
        /// Where connections may come from; from everywhere when empty.
        var allow: [IPPrefix] = []

        /// The folders of the files, which may be replaced while wgmd runs.
        var folders: [String] {
            ([certificate, key] + (clientAuthority.map { [$0] } ?? [])).map { path in
                String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            }
        }
    }

    var keeperState: String { state + "/keeper" }
    var clusterState: String { state + "/postgres" }
    var runFolder: String { String(socket[..<(socket.lastIndex(of: "/") ?? socket.startIndex)]) }
    var clusterSocketFolder: String { databaseSocket ?? runFolder + "/postgres" }
    /// The variables that wgmd heeds: libpq's, for a password among others, where the database is not its own.
    var environment: [String] { database == .embedded ? [] : ["PG*", "HOME"] }
    /// False when other units run keeper and database: then wgmd has no state of its own.
    var ownsState: Bool { keeperSocket == nil || database == .embedded && databaseSocket == nil }
}

/// What is wrong with a configuration file, line by line.
struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    struct Problem: Equatable {
        var line: Int?
        var message: String
    }

    var path: String
    var problems: [Problem]

    var lines: [String] {
        problems.map { problem in
            problem.line.map { "\(path):\($0): \(problem.message)" } ?? "\(path): \(problem.message)"
        }
    }

    var description: String { lines.joined(separator: "\n") }
}
