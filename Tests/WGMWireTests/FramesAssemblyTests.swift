// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import WGMWire

@Suite("Frames: memory for incomplete messages")
struct FramesAssemblyTests {
    private static let part = Array(repeating: UInt8(7), count: 50_000)

    private func script(_ room: AssemblyRoom, perConnection: Int = 8 << 20) -> FramesScript {
        var limits = WireLimits()
        limits.assembly = perConnection
        limits.initialWindow = 1 << 20
        limits.connectionWindow = 16 << 20
        let script = FramesScript(limits, room: room)
        script.collects = 1 << 20
        script.send(Sent.authenticated)
        return script
    }

    private func refusals(_ script: FramesScript) throws -> [UInt32: String] {
        let ends = script.frames.filter { $0.type == .end }
        return Dictionary(
            try ends.map { ($0.header.stream, try V1.End(serialized: $0.payload).details?.errorInfo?.reason ?? "") },
            uniquingKeysWith: { $1 }
        )
    }

    @Test("What one connection may hold of incomplete messages is its limit; then the call ends, not the connection")
    func connection() throws {
        let room = AssemblyRoom(size: 64 << 20)
        let script = script(room, perConnection: 120_000)
        for stream: UInt32 in [1, 3, 5] {
            script.send(Sent.open(stream) + Sent.data(stream, [.hasMessage, .more], Self.part))
        }
        #expect(try refusals(script) == [5: "NO_ROOM"])
        #expect(room.freeBytes == (64 << 20) - 100_000)
        #expect(!script.isClosed)
        // What is completed makes room.
        script.send(Sent.data(1, [.hasMessage, .endStream], [1]))
        #expect(script.calls.filter(\.isComplete).map(\.message?.count) == [50_001])
        #expect(room.freeBytes == (64 << 20) - 50_000)
        script.send(Sent.open(7) + Sent.data(7, [.hasMessage, .more], Self.part))
        #expect(try refusals(script).keys.sorted() == [5])
    }

    @Test("The message of a call whose request is not ended counts, and its method's limit holds at once")
    func messageOfTheCall() throws {
        let room = AssemblyRoom(size: 120_000)
        let script = script(room)
        for stream: UInt32 in [1, 3, 5] { script.send(Sent.open(stream, V1.Call(method: "a.B/C", message: Self.part))) }
        #expect(try refusals(script) == [5: "NO_ROOM"])
        #expect(script.refused.keys.sorted() == [5])
        #expect(room.freeBytes == 20_000)
        // A second message beside it has its own place, and is refused when it is whole.
        script.send(Sent.data(1, [.hasMessage, .more], Array(repeating: 1, count: 20_001)))
        #expect(try refusals(script).keys.sorted() == [1, 5])
        script.send(Sent.cancel(3))
        #expect(room.freeBytes == 120_000)
        script.collects = 40_000
        script.send(Sent.open(7, V1.Call(method: "a.B/C", message: Self.part)))
        #expect(try refusals(script)[7] == "REQUEST_TOO_LARGE")
        #expect(room.freeBytes == 120_000)
        // Nothing is left of the streams: as many as a connection may have fit again.
        for stream in 5..<UInt32(5 + 64) { script.send(Sent.open(2 * stream + 1)) }
        #expect(try refusals(script).count == 4)
    }

    @Test("One caller has a part of the room, and what he gives back is there for all")
    func perCaller() throws {
        let whole = AssemblyRoom(size: 120_000)
        let greedy = script(AssemblyRoom(size: 60_000, of: whole))
        let other = script(AssemblyRoom(size: 60_000, of: whole))
        for stream: UInt32 in [1, 3] { greedy.send(Sent.open(stream) + Sent.data(stream, .hasMessage, Self.part)) }
        #expect(try refusals(greedy) == [3: "NO_ROOM"])
        #expect(whole.freeBytes == 70_000)
        other.send(Sent.open(1) + Sent.data(1, .hasMessage, Self.part))
        #expect(try refusals(other).isEmpty)
        greedy.send(Sent.data(1, .endStream))
        other.send(Sent.cancel(1))
        #expect(whole.freeBytes == 120_000)
    }

    @Test("All connections share one room, and one that ends gives back what it had")
    func shared() throws {
        let room = AssemblyRoom(size: 120_000)
        var first: FramesScript? = script(room)
        let second = script(room)
        for stream: UInt32 in [1, 3] {
            first?.send(Sent.open(stream) + Sent.data(stream, [.hasMessage, .more], Self.part))
        }
        second.send(Sent.open(1) + Sent.data(1, [.hasMessage, .more], Self.part))
        #expect(try refusals(second) == [1: "NO_ROOM"])
        #expect(room.freeBytes == 20_000)
        first = nil
        #expect(room.freeBytes == 120_000)
        second.send(Sent.open(3) + Sent.data(3, [.hasMessage, .more], Self.part))
        #expect(try refusals(second).keys.sorted() == [1])
        second.send(Sent.cancel(3))
        #expect(room.freeBytes == 120_000)
    }

    @Test("A complete message whose request is not ended counts too")
    func notEnded() throws {
        let room = AssemblyRoom(size: 120_000)
        let script = script(room)
        for stream: UInt32 in [1, 3, 5] { script.send(Sent.open(stream) + Sent.data(stream, .hasMessage, Self.part)) }
        #expect(try refusals(script) == [5: "NO_ROOM"])
        script.send(Sent.data(1, .endStream) + Sent.data(3, .endStream))
        #expect(script.calls.filter(\.isComplete).compactMap(\.message?.count) == [50_000, 50_000])
        #expect(room.freeBytes == 120_000)
    }

    @Test("Memory is counted as it is taken, in steps, and never above what the method takes")
    func steps() throws {
        let room = AssemblyRoom(size: 4 << 20)
        let script = script(room)
        script.send(Sent.open(1))
        for count in 1...20 {
            script.send(Sent.data(1, [.hasMessage, .more], Self.part))
            let taken = (4 << 20) - room.freeBytes
            #expect(taken >= count * 50_000 && taken <= min(1 << 20, max(4096, count * 100_000)))
        }
        script.send(Sent.data(1, [.hasMessage, .more], Self.part))
        #expect(try refusals(script) == [1: "REQUEST_TOO_LARGE"])
        #expect(room.freeBytes == 4 << 20)
    }
}
