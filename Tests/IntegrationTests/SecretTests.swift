// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

func makeReadableByAll(_ path: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
}

@Suite("Secrets stay where they belong")
struct SecretTests {
    @Test("A peer's private key is in its own file only, which nobody else can read")
    func peerKeyStaysWithThePeer() async throws {
        let gateway = try await Gateway.shared.value
        let file = gateway.folder.path + "/canary.conf"
        let created = try gateway.control("peer", "create", "wg0", "canary", "--config", file)
        #expect(created.code == 0, "\(created.errors)")
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // The last part of the search path is a control: a key that must be found.
        let search = """
            sed -n 's/^PrivateKey = //p' \(file) >/run/gateway/canary && mkdir -p /run/gateway/found \
            && cp /run/gateway/canary /run/gateway/found/ \
            && grep -raFlf /run/gateway/canary /run/gateway/state \(gateway.folder.path)/run \(gateway.folder.path)/wgmd.log \
            /run/gateway/found
            """
        let found = try await gateway.inside(search)
        #expect(found.output == "/run/gateway/found/canary")
        #expect(try gateway.control("peer", "delete", "wg0", "canary").code == 0)
    }

    @Test("An existing file is not overwritten, and the peer not created")
    func filesAreNotOverwritten() async throws {
        let gateway = try await Gateway.shared.value
        let file = gateway.folder.newFile()
        try Data("mine".utf8).write(to: URL(filePath: file))
        #expect(try gateway.control("peer", "create", "wg0", "dora", "--config", file).code != 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
        #expect(try gateway.control("peer", "show", "wg0", "dora").code == 3)
    }
}
