// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

/// A small random number generator with a seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}

@Suite("Frames: hostile bytes")
struct FramesFuzzTests {
    static let honest =
        Sent.authenticated
        + Sent.call(
            1,
            V1.Call(method: "a.B/C", timeoutMs: 5, metadata: [V1.MetadataPair(key: "k", value: [1])], message: [1])
        )
        + Sent.open(5) + Sent.data(5, .hasMessage, [1, 2]) + Sent.data(5, [.hasMessage, .more], [3]) + Sent.window(0, 9)
        + Sent.data(5, [.hasMessage, .endStream]) + Sent.window(5, 70)
        + Sent.ping + Sent.cancel(1) + Sent.call(7) + Sent.auth(slot: 2) + TestFrame(.goaway).bytes

    @Test("100 000 mutated conversations neither crash a server connection nor outgrow its limits")
    func mutatedServer() {
        var random = SeededGenerator(state: 42)
        for round in 0..<100_000 {
            var bytes = Self.honest
            mutate(&bytes, &random)
            let script = FramesScript()
            script.answersAtOnce = round.isMultiple(of: 2)
            script.send(bytes, inPiecesOf: round.isMultiple(of: 3) ? Int.random(in: 1...40, using: &random) : .max)
            if round.isMultiple(of: 5) { script.wait(.seconds(60)) }
            let goaways = script.frames.count { $0.type == .goaway }
            if goaways > 1 || (script.fault != nil) != (goaways == 1) || script.output.count > 4096 {
                Issue.record("round \(round): \(goaways) GOAWAYs, \(script.output.count) bytes of output")
            }
        }
    }

    @Test("10 000 strings of random bytes end as foreign or as a broken rule")
    func noise() {
        var random = SeededGenerator(state: 7)
        for round in 0..<10_000 {
            var bytes = (0..<Int.random(in: 12...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if round.isMultiple(of: 2) { bytes = Sent.authenticated + bytes }
            let script = FramesScript()
            script.send(bytes)
            script.wait(.seconds(60))
            #expect(script.isClosed)
        }
    }

    @Test("20 000 mutated answers do not crash a client connection")
    func mutatedClient() throws {
        let script = FramesScript()
        script.send(Self.honest)
        script.end(3, CallOutcome(reply: [1, 2, 3]))
        let answer = script.output
        var random = SeededGenerator(state: 3)
        for _ in 0..<20_000 {
            var bytes = answer
            mutate(&bytes, &random)
            var client = ClientConnection(limits: .client, agent: "test")
            for _ in 0..<2 { _ = try client.call(ClientConnection.Call(method: "a/b", message: nil)) }
            unsafe client.receive(bytes.span.bytes)
            var events = 0
            while client.nextEvent() != nil { events += 1 }
            #expect(events < 20)
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard let index = bytes.indices.randomElement(using: &random) else { return }
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
            case 3: bytes.remove(at: index)
            case 4: bytes.removeSubrange(index...)
            default: bytes.insert(contentsOf: bytes[index...].prefix(40), at: index)
            }
        }
    }
}
