// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Over TLS, from another machine", .serialized)
struct TLSTests {
    private static let connect = "timeout 10 openssl s_client -connect 127.0.0.1:51821"

    @Test(
        "A token bound to a certificate works over TLS, by name, IPv4 and IPv6",
        arguments: ["tls://localhost:51821", "tls://127.0.0.1:51821", "tls://[::1]:51821", "tls://localhost"]
    )
    func roundTrip(server: String) async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.anna("peer list wg0 -o json", at: server)
        #expect(found.code == 0 && found.output.contains("alice"), "\(found.output)")
    }

    @Test("whoami names the certificate that the token is bound to")
    func whoAmI() async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.anna("whoami -o json")
        let digest = try await gateway.require(
            "openssl x509 -in \(gateway.tls)/anna.pem -outform DER | openssl dgst -sha256 -binary | basenc --base64url | tr -d ="
        )
        #expect(found.output.contains(digest), "\(found.output)")
    }

    @Test("A token of a user is refused over TLS")
    func userTokenOverTLS() async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.anna("peer list wg0", token: "uid")
        #expect(found.code == 6 && found.output.contains("--bind-certificate"), "\(found.output)")
        #expect(try await gateway.hasRecord("refused over TLS"))
    }

    @Test("A token of a certificate is refused on the Unix socket, with another certificate, and with none")
    func certificateTokenElsewhere() async throws {
        let gateway = try await TLSGateway.shared.value
        let token = "--token-file \(gateway.tls)/anna.token"
        let unix = try await gateway.run("wgmctl peer list wg0 --socket \(gateway.gateway.socket) \(token)")
        #expect(unix.code == 6 && unix.output.contains("over TLS only"), "\(unix.output)")
        let server = "--server tls://127.0.0.1:51821 --ca \(gateway.tls)/ca.pem"
        let berta = "--cert \(gateway.tls)/berta.pem --key \(gateway.tls)/berta.key"
        let other = try await gateway.run("wgmctl peer list wg0 \(server) \(berta) \(token)")
        #expect(other.code == 6 && other.output.contains("another client certificate"), "\(other.output)")
        let none = try await gateway.run("wgmctl peer list wg0 \(server) \(token)")
        #expect(none.code == 6 && none.output.contains("--cert"), "\(none.output)")
        #expect(try await gateway.hasRecord("another client certificate"))
        #expect(try await gateway.hasRecord("none was shown"))
        #expect(try await gateway.hasRecord("over TLS only"))
    }

    @Test("Nobody can log in over TLS, and is told how to get a token")
    func noLogin() async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.run("wgmctl peer list wg0 --server tls://127.0.0.1 --ca \(gateway.tls)/ca.pem")
        #expect(found.code == 6 && found.output.contains("token issue --bind-certificate"), "\(found.output)")
    }

    @Test("doctor asks a daemon on another machine, and looks at nothing of this one")
    func doctor() async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.run("wgmctl doctor --server tls://127.0.0.1 --ca \(gateway.tls)/ca.pem")
        #expect(found.output.contains("ok    wgmd") && found.output.contains("ok    database"), "\(found.output)")
        #expect(!found.output.contains("socket") && !found.output.contains("forwarding"), "\(found.output)")
    }

    @Test("Anonymous methods need no token, and no certificate where it is optional")
    func anonymous() async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.run("wgmctl version --server tls://127.0.0.1 --ca \(gateway.tls)/ca.pem -o json")
        #expect(found.code == 0 && !found.output.contains("not reached"), "\(found.output)")
    }

    @Test("Plain text is told in plain text that this port speaks TLS", arguments: ["GET / HTTP/1.0", "\\x89WGM"])
    func plainText(opening: String) async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.run(
            "exec 3<>/dev/tcp/127.0.0.1/51821; printf '\(opening)\\r\\n\\r\\n' >&3; timeout 10 cat <&3 | tr -cd '[:print:]'"
        )
        #expect(found.output.contains("this port speaks TLS 1.3 only"), "\(found.output)")
        #expect(try await gateway.hasRecord("this is plain text"))
    }

    @Test("TLS 1.2 is refused")
    func oldTLS() async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.run("\(Self.connect) -tls1_2 -alpn wgm/1 </dev/null")
        #expect(found.code != 0 && found.output.contains("protocol version"), "\(found.output)")
        #expect(try await gateway.hasRecord("the client speaks no TLS 1.3"))
    }

    @Test("Without our application protocol nothing is served, and the reason is said", arguments: ["", "-alpn h2"])
    func noApplicationProtocol(option: String) async throws {
        let gateway = try await TLSGateway.shared.value
        let found = try await gateway.run("\(Self.connect) -tls1_3 -quiet \(option) </dev/null | tr -cd '[:print:]'")
        #expect(found.output.contains("application protocol wgm/1"), "\(found.output)")
        #expect(try await gateway.hasRecord("application protocol wgm/1 (ALPN)"))
    }

    @Test("A client certificate of another authority is refused")
    func foreignCertificate() async throws {
        let gateway = try await TLSGateway.shared.value
        let identity = "--cert \(gateway.other)/anna.pem --key \(gateway.other)/anna.key"
        let found = try await gateway.run(
            "wgmctl peer list wg0 --server tls://127.0.0.1 --ca \(gateway.tls)/ca.pem \(identity) --token-file \(gateway.tls)/anna.token"
        )
        #expect(found.code == 6 && found.output.contains("refuses the client certificate"), "\(found.output)")
        #expect(try await gateway.hasRecord("from another authority than ours"))
    }

    @Test("An expired client certificate is refused")
    func expiredCertificate() async throws {
        let gateway = try await TLSGateway.shared.value
        let tls = gateway.tls
        try await gateway.require("openssl req -new -key \(tls)/anna.key -subj /CN=late -out \(tls)/late.csr")
        try await gateway.require(
            "openssl x509 -req -in \(tls)/late.csr -CA \(tls)/ca.pem -CAkey \(tls)/ca.key -CAcreateserial -days -1 -out \(tls)/late.pem"
        )
        let found = try await gateway.run(
            "wgmctl peer list wg0 --server tls://127.0.0.1 --ca \(tls)/ca.pem --cert \(tls)/late.pem --key \(tls)/anna.key --token-file \(tls)/anna.token"
        )
        #expect(found.code == 6 && found.output.contains("it has expired"), "\(found.output)")
        #expect(try await gateway.hasRecord("the client's certificate is expired"))
    }

    @Test("A client certificate that expires ends its connection, and no session that is resumed outlives it")
    func expiringCertificate() async throws {
        let gateway = try await TLSGateway.shared.value
        let folder = gateway.tls + "/brief"
        let settings = """
            [ca]\\ndefault_ca=brief\\n[brief]\\ndatabase=\(folder)/index\\nserial=\(folder)/serial\\nnew_certs_dir=\(folder)\\n\
            default_md=sha256\\npolicy=names\\n[names]\\ncommonName=supplied\\n[client]\\nextendedKeyUsage=clientAuth\\n
            """
        try await gateway.require(
            "mkdir \(folder); : >\(folder)/index; echo 77 >\(folder)/serial; printf '\(settings)' >\(folder)/settings; "
                + "openssl req -new -key \(gateway.tls)/anna.key -subj /CN=brief -out \(folder)/request"
        )
        // Good for some seconds, less than a connection may be without a token.
        try await gateway.require(
            "openssl ca -batch -notext -config \(folder)/settings -cert \(gateway.tls)/ca.pem -keyfile \(gateway.tls)/ca.key "
                + "-extensions client -startdate $(date -u -d '-1 hour' +%y%m%d%H%M%SZ) "
                + "-enddate $(date -u -d '+4 seconds' +%y%m%d%H%M%SZ) -in \(folder)/request -out \(folder)/brief.pem"
        )
        let client =
            "\(Self.connect) -tls1_3 -alpn wgm/1 -cert \(folder)/brief.pem -key \(gateway.tls)/anna.key "
            + "-CAfile \(gateway.tls)/ca.pem"
        let live = try await gateway.run("sleep 8 | \(client) -sess_out \(folder)/session 2>&1 | tr -cd '[:print:]\\n'")
        #expect(live.output.contains("the client's certificate has expired"), "\(live.output)")
        let resumed = try await gateway.run(
            "sleep 2 | \(client) -sess_in \(folder)/session 2>&1 | tr -cd '[:print:]\\n'"
        )
        #expect(resumed.output.contains("Reused, TLSv1.3"), "\(resumed.output)")
        #expect(resumed.output.contains("the client's certificate has expired"), "\(resumed.output)")
    }

    @Test("A server that the authority does not vouch for, or not by this name, is not trusted")
    func untrustedServer() async throws {
        let gateway = try await TLSGateway.shared.value
        let token = "--token-file \(gateway.tls)/anna.token"
        let authority = try await gateway.run(
            "wgmctl peer list wg0 --server tls://127.0.0.1 --ca \(gateway.other)/ca.pem \(token)"
        )
        #expect(authority.code == 6 && authority.output.contains("not to be trusted"), "\(authority.output)")
        let name = try await gateway.run(
            "wgmctl peer list wg0 --server tls://127.0.0.2 --ca \(gateway.tls)/ca.pem \(token)"
        )
        #expect(name.code == 6 && name.output.contains("for another name"), "\(name.output)")
        // Whoever answers for a name has to have a certificate for the name: that of the address proves nothing.
        let address = try await gateway.run(
            "wgmctl peer list wg0 --server tls://127.1 --ca \(gateway.tls)/ca.pem \(token)"
        )
        #expect(address.code == 6 && address.output.contains("for another name"), "\(address.output)")
    }

    @Test("A narrow token does its one job and is refused the next, with a record")
    func narrowToken() async throws {
        let gateway = try await TLSGateway.shared.value
        let tls = gateway.tls
        try await gateway.require(
            "wgmctl --socket \(gateway.gateway.socket) token issue --bind-certificate \(tls)/anna.pem --grant 'node/*/interface/wg0/peer/alice=get' --output-file \(tls)/narrow.token"
        )
        let shown = try await gateway.anna("peer show wg0 alice", token: "narrow")
        #expect(shown.code == 0, "\(shown.output)")
        let refused = try await gateway.anna("peer disable wg0 alice", token: "narrow")
        #expect(refused.code == 5 && refused.output.contains("update"), "\(refused.output)")
        let records = try await gateway.run("wgmctl --socket \(gateway.gateway.socket) audit list --failures -o json")
        #expect(records.output.contains("@127.0.0.1") && records.output.contains("Peers/"), "\(records.output)")
    }

    @Test("The next of several servers is tried, and nobody at all is said in words")
    func severalServers() async throws {
        let gateway = try await TLSGateway.shared.value
        for _ in 0..<2 {
            let found = try await gateway.anna("peer list wg0", at: "tls://127.0.0.1:1 --server tls://127.0.0.1:51821")
            #expect(found.code == 0, "\(found.output)")
        }
        let dead = try await gateway.anna("peer list wg0", at: "tls://127.0.0.1:1 --server tls://127.0.0.1:2")
        #expect(dead.code == 7 && dead.output.contains("nobody answers at 127.0.0.1:2"), "\(dead.output)")
    }

    @Test("A profile is used without being named, and a pinned key is the only one that is trusted")
    func profile() async throws {
        let gateway = try await TLSGateway.shared.value
        let tls = gateway.tls
        let identity = "--cert \(tls)/anna.pem --key \(tls)/anna.key --token-file \(tls)/anna.token"
        try await gateway.require(
            "wgmctl profile add lab --server tls://127.0.0.2:51821 --pin \(identity)"
        )
        let used = try await gateway.run("wgmctl peer list wg0")
        #expect(used.code == 0 && used.output.contains("alice"), "\(used.output)")
        let file = "\(gateway.gateway.folder.path)/user/.config/wgm/profiles.toml"
        let mode = try await gateway.require("stat -c %a \(file)")
        #expect(mode == "600")
        try await gateway.require("sed -i 's/^pins = .*/pins = \"\(String(repeating: "A", count: 43))\"/' \(file)")
        let changed = try await gateway.run("wgmctl peer list wg0")
        #expect(changed.code == 6 && changed.output.contains("another key than the pinned one"), "\(changed.output)")
        let named = try await gateway.run(
            "wgmctl --server tls://127.0.0.2:51821 --ca \(tls)/ca.pem \(identity) peer list wg0"
        )
        #expect(named.code == 6 && named.output.contains("for another name"), "\(named.output)")
        try await gateway.require("wgmctl profile list | grep -q 'lab.*yes' && wgmctl profile remove lab")
    }

    @Test("Hostile bytes, half-open and slow clients hold up nobody else")
    func hostileBytes() async throws {
        let gateway = try await TLSGateway.shared.value
        let openings = [
            "", "\\x16", "\\x16\\x03\\x01\\x40\\x00\\x01", "\\x16\\x03\\x01\\xff\\xff", "\\x00\\xff", "SSH-2.0-x",
        ]
        for opening in openings {
            try await gateway.require(
                "for i in 1 2 3 4 5; do ( exec 3<>/dev/tcp/127.0.0.1/51821; printf '\(opening)' >&3; timeout 9 cat <&3 ) >/dev/null 2>&1 & done"
            )
        }
        let honest = try await gateway.anna("peer list wg0", at: "tls://[::1]:51821")
        #expect(honest.code == 0, "\(honest.output)")
        #expect(try await gateway.run("wgmctl peer list wg0 --socket \(gateway.gateway.socket)").code == 0)
        #expect(try await gateway.hasRecord("connections of this caller are open"))
        try await Task.sleep(for: .seconds(6))
        #expect(try await gateway.hasRecord("no TLS handshake within"))
        let later = try await gateway.anna("peer list wg0")
        #expect(later.code == 0, "\(later.output)")
    }

    private func serverSerial(_ gateway: TLSGateway) async throws -> String {
        try await gateway.require(
            "\(Self.connect) -tls1_3 -alpn wgm/1 </dev/null 2>/dev/null | openssl x509 -noout -serial"
        )
    }

    @Test("A new certificate is taken up without a restart, and a broken one leaves the old one in use")
    func reload() async throws {
        let gateway = try await TLSGateway.shared.value
        let tls = gateway.tls
        let before = try await serverSerial(gateway)
        let new = "wgmd certificate --folder \(tls) --host localhost --host 127.0.0.1 --host ::1"
        try await gateway.require("rm \(tls)/server.pem \(tls)/server.key && \(new) && kill -HUP $wgmd_pid && sleep 1")
        let after = try await serverSerial(gateway)
        #expect(after != before)
        try await gateway.require("cp -p \(tls)/server.pem \(tls)/good.pem && echo nonsense >\(tls)/server.pem")
        try await gateway.require("kill -HUP $wgmd_pid && sleep 1")
        #expect(try await serverSerial(gateway) == after)
        #expect(try await gateway.anna("peer list wg0").code == 0)
        // Now without a signal: the files are looked at every few seconds.
        try await gateway.require("rm \(tls)/server.pem \(tls)/server.key && \(new) && sleep 12")
        #expect(try await serverSerial(gateway) != after)
    }

    @Test("From addresses that are not allowed nobody gets as far as a handshake")
    func allowList() async throws {
        let gateway = try await TLSGateway.shared.value
        try await gateway.configure("allow = [\"2001:db8::/32\", \"127.0.0.2\"]")
        let refused = try await gateway.anna("peer list wg0")
        #expect(refused.code == 7 && refused.output.contains("may not allow"), "\(refused.output)")
        #expect(try await gateway.hasRecord("connections from 127.0.0.1 are not allowed"))
        let bound = try await gateway.run("\(Self.connect) -bind 127.0.0.2 -tls1_3 -alpn wgm/1 </dev/null")
        #expect(bound.output.contains("ALPN protocol: wgm/1"), "\(bound.output)")
        try await gateway.configure()
    }

    @Test("Where certificates are required, nobody comes in without one")
    func requiredCertificate() async throws {
        let gateway = try await TLSGateway.shared.value
        try await gateway.configure(clients: "required")
        let none = try await gateway.run("wgmctl status --server tls://127.0.0.1 --ca \(gateway.tls)/ca.pem")
        #expect(none.code == 6 && none.output.contains("wants a client certificate"), "\(none.output)")
        #expect(try await gateway.hasRecord("the client showed no certificate"))
        #expect(try await gateway.anna("peer list wg0").code == 0)
        try await gateway.configure()
    }

    @Test("A key that others can read is refused at the start, in words")
    func openKey() async throws {
        let gateway = try await TLSGateway.shared.value
        try await gateway.require(
            "cp \(gateway.tls)/server.key \(gateway.tls)/open.key && chmod 644 \(gateway.tls)/open.key"
        )
        try await gateway.require("sed 's|server.key|open.key|' /run/gateway/wgmd.toml >/run/gateway/second.toml")
        let started = try await gateway.run("wgmd check --config /run/gateway/second.toml")
        #expect(started.code != 0 && started.output.contains("open.key: holds a private key"), "\(started.output)")
    }
}
