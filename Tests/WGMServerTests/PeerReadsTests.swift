// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import WGMModel

@testable import WGMControl
@testable import WGMServer
@testable import WGMWire

private final class Number: Sendable {
    let value = Atomic(0)
}

@Suite("Reads of one peer, answered from their bytes") struct PeerReadsTests {
    private let scene: ReadScene
    init() throws { scene = try ReadScene() }

    @Test("what is no read of a known peer, as we would write it, is left to the dispatch")
    func others() throws {
        let caller = try scene.caller()
        #expect(try scene.ask(caller, "c") == nil)
        #expect(try scene.ask(caller, "../a") == nil)
        #expect(try scene.ask(caller, method: "wgm.v1.Peers/GetConfig") == nil)
        let request = V1.GetPeerRequest(interface: "wg0", name: "a").serialized()
        #expect(try scene.ask(caller, message: request + [5 << 3, 1]) == nil)
        #expect(try scene.ask(caller, message: []) == nil)
        #expect(try scene.ask(caller, message: Array(request.dropLast())) == nil)
        #expect(try scene.ask(caller, message: request) != nil)
    }

    @Test("two callers with different rights on the same peers get what is theirs, in any order")
    func rights() throws {
        let anna = try scene.caller("anna", allowed: "node/*/interface/wg0/peer/a")
        let otto = try scene.caller("otto", allowed: "node/n1/interface/*/peer/b", connection: 2)
        for _ in 0..<3 {
            #expect(try scene.ask(anna, "a") != nil)
            #expect(try scene.ask(otto, "a") == nil)
            #expect(try scene.ask(anna, "b") == nil)
            #expect(try scene.ask(otto, "b") != nil)
        }
    }

    @Test("a token that is revoked answers nothing from that moment on")
    func revoked() throws {
        let anna = try scene.caller("anna")
        let otto = try scene.caller("otto")
        #expect(try scene.ask(anna) != nil && scene.ask(otto) != nil)
        let token = RevokedToken(principal: try #require(ObjectName("anna")), tokenID: "token-of-anna")
        try scene.change { $0.revokedTokens = [token] }
        #expect(try scene.ask(anna) == nil)
        #expect(try scene.ask(otto) != nil)
    }

    @Test("a role that is taken away, and all tokens of a principal, act at once; so does a role that is given")
    func roles() throws {
        let anna = try scene.caller()
        #expect(try scene.ask(anna) != nil)
        try scene.change { $0.principals = [try scene.principal("anna", roles: [])] }
        #expect(try scene.ask(anna) == nil)
        try scene.change { $0.principals = [try scene.principal("anna", roles: [.viewer])] }
        #expect(try scene.ask(anna) != nil)
        try scene.change { $0.principals = [try scene.principal("anna", validFrom: 1_900_000_000)] }
        #expect(try scene.ask(anna) == nil)
    }

    @Test("a token answers until its last second, and not after")
    func expiry() throws {
        let anna = try scene.caller()
        scene.clock.advance(milliseconds: 59_999)
        scene.observe()
        #expect(try scene.ask(anna) != nil)
        scene.clock.advance(milliseconds: 1)
        scene.observe()
        #expect(try scene.ask(anna) == nil)
    }

    @Test("what the kernel was seen to hold is told for a second, and a younger look at once")
    func observation() throws {
        let anna = try scene.caller()
        #expect(try scene.ask(anna)?.peer?.status?.receivedBytes == 5)
        scene.observe(received: 6)
        #expect(try scene.ask(anna)?.peer?.status?.receivedBytes == 6)
        scene.clock.advance(milliseconds: 999)
        #expect(try scene.ask(anna) != nil)
        scene.clock.advance(milliseconds: 1)
        #expect(try scene.ask(anna) == nil)
    }

    @Test("a change of the peer, its removal, and a database that went away are told at once")
    func changes() throws {
        let anna = try scene.caller()
        #expect(try scene.ask(anna)?.peer?.comment == nil)
        try scene.change { $0.peers = [try scene.peer("a", 1, comment: "new")] }
        #expect(try scene.ask(anna)?.peer?.comment == "new")
        scene.gateway.view.markStale("gone")
        #expect(try scene.ask(anna)?.freshness?.reason == "gone")
        try scene.change { $0.deletedPeers = [try scene.peer("a", 1)] }
        #expect(try scene.ask(anna) == nil)
        #expect(try scene.ask(anna, "b") != nil)
    }

    @Test("what is more than the caller accepts is left to the dispatch, and not counted here")
    func longReply() async throws {
        let anna = try scene.caller()
        #expect(try scene.ask(anna, mostReply: 100) == nil)
        #expect(try scene.ask(anna) != nil)
        try await scene.gateway.audit.flush()
        #expect(scene.records.entries.map(\.count) == [1])
    }

    @Test("of two who read while the peer changes, nobody is told what it was before a change that was over")
    func concurrent() async throws {
        let changed = Number()
        let callers = [try scene.caller("anna"), try scene.caller("otto", connection: 2)]
        try await withThrowingTaskGroup { group in
            for caller in callers {
                group.addTask {
                    var seen = 0
                    while seen < 500 {
                        // There may be no thread left for who changes it.
                        await Task.yield()
                        let least = changed.value.load(ordering: .acquiring)
                        // What changes meanwhile may be left to the dispatch.
                        guard let peer = try scene.ask(caller)?.peer else { continue }
                        seen = peer.comment.flatMap { Int($0) } ?? 0
                        #expect(seen >= least)
                    }
                }
            }
            for number in 1...500 {
                try scene.change { $0.peers = [try scene.peer("a", 1, comment: "\(number)")] }
                changed.value.store(number, ordering: .releasing)
                await Task.yield()
            }
            try await group.waitForAll()
        }
    }

    @Test("under mixed load every call is in one record of its caller and peer, and nothing else is")
    func audited() async throws {
        let anna = try scene.caller("anna", connection: 1)
        let same = try scene.caller("anna", connection: 2)
        let otto = try scene.caller("otto", allowed: "node/*/interface/wg0/peer/b", connection: 3)
        for step in 0..<300 {
            let stream = UInt32(2 * step + 1)
            #expect(try scene.ask(anna, "a", stream: stream) != nil)
            #expect(try scene.ask(same, "a", stream: stream) != nil)
            if step.isMultiple(of: 3) { #expect(try scene.ask(anna, "b", stream: stream) != nil) }
            #expect(try scene.ask(otto, "a", stream: stream) == nil)
            #expect(try scene.ask(otto, "b", stream: stream) != nil)
            if step == 99 { try await scene.gateway.audit.flush() }
            scene.clock.advance(milliseconds: 1)
        }
        try await scene.gateway.audit.flush()
        let written = scene.records.entries
        #expect(written.map(\.principal) == ["anna", "anna", "otto", "anna", "otto", "anna"])
        #expect(written.map(\.resource.last) == ["a", "b", "b", "a", "b", "b"])
        #expect(written.map(\.count) == [200, 34, 100, 400, 200, 66])
        #expect(written.map(\.requestID) == ["1.1", "1.1", "3.1", "1.201", "3.201", "1.205"])
        #expect(written.map(\.time.nanoseconds) == [0, 0, 0, 100_000_000, 100_000_000, 102_000_000])
        #expect(written.first?.lastTime?.nanoseconds == 99_000_000)
        let first = try #require(written.first)
        #expect(first.resource == "node/n1/interface/wg0/peer/a" && first.method == "wgm.v1.Peers/Get")
        #expect(first.request == #"{"interface":"wg0","name":"a"}"# && first.uid == 1 && first.code == 0)
        #expect(written.map(\.tokenID).allSatisfy { $0?.hasPrefix("token-of-") ?? false })
    }
}
