// SPDX-License-Identifier: Apache-2.0

/// A gateway with a TLS port, and clients with and without certificates, all inside its namespaces.
struct TLSGateway: Sendable {
    static let shared = Task { try await TLSGateway() }

    let gateway: Gateway
    var tls: String { gateway.folder.path + "/tls" }
    var other: String { gateway.folder.path + "/other" }

    private init() async throws {
        gateway = try Gateway(furnished: true)
        try await require(
            "export XDG_RUNTIME_DIR=\(gateway.folder.path)/user HOME=\(gateway.folder.path)/user NO_COLOR=1"
        )
        let hosts = "--host localhost --host 127.0.0.1 --host ::1"
        try await require("wgmd certificate --folder \(tls) \(hosts) --client anna --client berta")
        try await require("wgmd certificate --folder \(other) --client anna")
        try await require("cp /run/gateway/wgmd.toml /run/gateway/plain.toml")
        try await configure()
        let issue = "wgmctl --socket \(gateway.socket) token issue --output-file"
        try await require("\(issue) \(tls)/anna.token --bind-certificate \(tls)/anna.pem")
        try await require("\(issue) \(tls)/uid.token")
    }

    /// Starts wgmd anew with these lines in `[tls]` besides the usual ones.
    func configure(_ lines: String..., clients: String = "optional") async throws {
        let table = [
            "[tls]", "listen = [\"[::]:51821\"]", "certificate = \"\(tls)/server.pem\"", "key = \"\(tls)/server.key\"",
            "client_ca = \"\(tls)/ca.pem\"", "client_certificates = \"\(clients)\"",
        ]
        // A command is one line.
        let text = (table + lines).map { "'\($0)'" }.joined(separator: " ")
        try await require("{ cat /run/gateway/plain.toml; printf '%s\\n' \(text); } >/run/gateway/wgmd.toml")
        try await require("stop_wgmd && restart_wgmd")
    }

    @discardableResult
    func require(_ command: String) async throws -> String {
        let (code, output) = try await gateway.inside("{ \(command); } 2>&1")
        // An expectation's error would count once, and let all later tests pass.
        guard code == 0 else { throw Gateway.Unusable(description: "\(command):\n\(output)") }
        return output
    }

    func run(_ command: String) async throws -> (code: Int32, output: String) {
        // The line end is for output that has none, behind which the gateway's own last line would get lost.
        try await gateway.inside("( \(command) ) 2>&1; code=$?; echo; (exit $code)")
    }

    /// wgmctl as anna over TLS.
    func anna(
        _ arguments: String,
        token: String = "anna",
        at server: String = "tls://127.0.0.1:51821"
    ) async throws -> (
        code: Int32, output: String
    ) {
        let identity = "--cert \(tls)/anna.pem --key \(tls)/anna.key --token-file \(tls)/\(token).token"
        return try await run("wgmctl \(arguments) --server \(server) --ca \(tls)/ca.pem \(identity)")
    }

    /// True when the audit log has a refusal with these words, from this address.
    func hasRecord(_ words: String) async throws -> Bool {
        // Records of refusals are written within a second.
        for _ in 0..<30 {
            let output = try await run("wgmctl --socket \(gateway.socket) audit list --failures --limit 200 -o json")
                .output
            if output.contains(words) { return true }
            try await Task.sleep(for: .milliseconds(100))
        }
        return false
    }
}
