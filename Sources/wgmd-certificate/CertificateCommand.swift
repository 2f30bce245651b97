// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import WGMModel

/// `wgmd certificate`.
@main
struct CertificateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wgmd certificate",
        abstract: "Make a private authority and certificates for the TLS port, for those who have none.",
        discussion: """
            The authority is made with the first certificate: ca.pem, and ca.key, which signs more of them and is best kept \
            on another machine. Keys have mode 0600; nothing is ever overwritten.

            EXAMPLES
              wgmd certificate --host vpn.example.org --host 2001:db8::1
                                      server.pem and server.key, for `certificate` and `key` in [tls]
              wgmd certificate --client backup --days 90
                                      backup.pem and backup.key, for wgmctl --cert and --key
            """
    )

    @Option(help: "The folder for all files.")
    var folder = "/etc/wgm/tls"

    @Option(help: "A name or address that the server is called by; may be repeated.")
    var host: [String] = []

    @Option(help: "The name of a client; may be repeated.")
    var client: [String] = []

    @Option(help: "How long the certificates are good.")
    var days = 365

    @Option(help: "The user that wgmd runs as, who gets the server's key when root makes it.")
    var user = "wgmd"

    func validate() throws {
        guard !host.isEmpty || !client.isEmpty else { throw ValidationError("name a --host or a --client") }
        guard (1...3650).contains(days) else { throw ValidationError("--days must be 1 to 3650") }
        for name in host where IPAddress(name) == nil && !Self.isName(name) {
            throw ValidationError("--host \(name): neither an IP address nor a host's name")
        }
        for name in client where !Self.isName(name) || ["ca", "server"].contains(name) {
            throw ValidationError("--client \(name): letters, digits, `.`, `-` and `_`, and neither ca nor server")
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && !text.hasPrefix(".") && !text.hasPrefix("-")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    func run() throws {
        let now = Date()
        let files = try CertificateFolder(path: folder)
        let (authority, isNew) = try files.authority(now: now)
        if isNew { print("made \(files.certificatePath("ca")) and its key") }
        if !host.isEmpty {
            let owner = Account.isRoot ? Account(named: user) : nil
            let issued = try authority.issue(.server(hosts: host), days: days, now: now)
            try files.write("server", certificate: issued.certificate, key: issued.key, owner: owner)
            print("made \(files.certificatePath("server")) and its key, for \(host.joined(separator: ", "))")
        }
        for name in client {
            let issued = try authority.issue(.client(name: name), days: days, now: now)
            try files.write(name, certificate: issued.certificate, key: issued.key)
            print("made \(files.certificatePath(name)) and its key")
        }
    }
}
