// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel
import WGMRPC
import WGMWire

@testable import WGMServer

@Suite("What a call's metadata says of its change")
struct CommitTermsTests {
    private func terms(_ pairs: (String, String)...) throws(Status) -> CommitTerms {
        let metadata = pairs.map { (key: $0.0, value: Array($0.1.utf8)) }
        return try CommitTerms(metadata, from: ConnectionPeer(transport: .unix(uid: 1, gid: 1), id: 1))
    }

    @Test(
        "the caller's session is two addresses",
        arguments: [
            ("192.0.2.7 192.0.2.1", "192.0.2.7"), ("2001:db8::7 2001:db8::1", "2001:db8::7"),
            ("fe80::1%eth0 fe80::2%eth0", "fe80::1"),
        ]
    )
    func session(text: String, remote: String) throws {
        #expect(try terms(("session", text)).session?.remote == IPAddress(remote))
        #expect(try terms(("session", text), ("force", "1")).session == nil)
    }

    @Test(
        "a session that cannot be read is refused, or the check that it is for would silently not be made",
        arguments: [
            "", " ", "192.0.2.7", "192.0.2.7 x", "x 192.0.2.1", "192.0.2.7  192.0.2.1", "1.2.3.4 1.2.3.4 1.2.3.4",
        ]
    )
    func malformed(text: String) {
        #expect(throws: Status.self) { try terms(("session", text)) }
        #expect(throws: Status.self) { try terms(("session", text), ("force", "1")) }
    }

    @Test("what only looks like force is refused", arguments: ["", "0", "false", "true"])
    func force(text: String) {
        #expect(throws: Status.self) { try terms(("session", "192.0.2.7 192.0.2.1"), ("force", text)) }
    }

    @Test("a change is on trial for 10 to 86400 seconds", arguments: ["", "9", "86401", "-10", "10 ", "1e2"])
    func confirm(text: String) throws {
        #expect(throws: Status.self) { try terms(("confirm", text)) }
        #expect(try terms(("confirm", "10")).confirmation == .within(seconds: 10))
    }
}
