// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel
import WGMWire

@testable import WGMServer

@Suite struct RefusalStatusTests {
    private let wg0 = InterfaceName("wg0")

    @Test("every violation reaches the caller, with field and rule")
    func violations() {
        let status = Status(
            .invalid([.init(field: "mtu", rule: "1280 to 65535"), .init(field: "name", rule: "1 to 15")])
        )
        #expect(status.code == .invalidArgument)
        #expect(status.message == "mtu: 1280 to 65535; name: 1 to 15")
        #expect(status.details?.badRequest?.fieldViolations.map(\.field) == ["mtu", "name"])
    }

    @Test("what is taken names its owner")
    func taken() {
        let status = Status(.store(.taken(what: "address fd00::2", owner: "peer alice of wg0")))
        #expect(status.code == .alreadyExists)
        #expect(status.message == "address fd00::2 is already used by peer alice of wg0")
        #expect(status.reason == "TAKEN")
    }

    @Test("a missing permission is named")
    func permission() {
        let status = Status(.permissionMissing(verb: "create", resource: "node/gw1/interface/wg0"))
        #expect(status.code == .permissionDenied)
        #expect(status.message.contains("create") && status.message.contains("node/gw1/interface/wg0"))
    }

    @Test("a kernel's refusal carries its words and says that it was undone")
    func kernel() {
        let failure = KernelFailure(.inUse, errno: 98, "listen port 51820: Address already in use")
        let status = Status(.kernel(failure, undoneBy: 7))
        #expect(status.code == .failedPrecondition)
        #expect(status.message == "listen port 51820: Address already in use; the change was undone by revision 7")
    }

    @Test("without database or keeper a call is unavailable, and may be tried again")
    func unavailable() {
        #expect(Status(.store(.unavailable("gone"))).code == .unavailable)
        #expect(Status(.store(.inDoubt("broke"))).reason == "OUTCOME_UNKNOWN")
        #expect(Status(.kernel(KernelFailure(.keeperGone, "gone"), undoneBy: nil)).code == .unavailable)
        #expect(Status(.kernel(KernelFailure(.journal, "disk full"), undoneBy: nil)).code == .unavailable)
        // It has run, which no caller may take for the opposite.
        let later = Status(.notFollowed(KernelFailure(.keeperGone, "the keeper is away"), revision: 7))
        #expect(later.code == .unavailable && later.reason == "NOT_FOLLOWED")
        #expect(later.message.contains("revision 7 is made and stays") && later.message.contains("the keeper is away"))
    }

    @Test("an interface with peers says how many")
    func hasPeers() throws {
        let status = Status(.store(.hasPeers(try #require(wg0), count: 12)))
        #expect(status.code == .failedPrecondition)
        #expect(status.message.contains("12 peers"))
    }
}
