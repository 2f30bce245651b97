// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct PeerRecordTests {
    private func record() throws -> PeerRecord {
        PeerRecord(
            id: 7,
            interface: InterfaceID(1),
            name: try #require(ObjectName("alice")),
            publicKey: testKey("alice"),
            isEnabled: true,
            addresses: [try #require(IPAddress("10.7.0.2"))],
            routed: [],
            endpoint: nil,
            keepalive: 0,
            comment: "",
            revision: 3,
            created: Timestamp(seconds: 1)
        )
    }

    @Test("a change of one copy leaves the others as they were")
    func copies() throws {
        let first = try record()
        var second = first
        #expect(second == first)
        second.keepalive = 25
        second.isEnabled = false
        #expect(first.keepalive == 0 && first.isEnabled)
        #expect(second.keepalive == 25 && !second.isEnabled && second.id == first.id)
        #expect(second != first)
    }

    @Test("two that say the same are equal, however they were made")
    func equality() throws {
        #expect(try record() == record())
        #expect(try record().hashValue == record().hashValue)
    }
}
