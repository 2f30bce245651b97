// SPDX-License-Identifier: Apache-2.0
import Testing
import WGMWire

@Suite("Hostile bytes are refused")
struct MessagesHostileTests {
    @Test("one singular submessage sent many times (quadratic merge)")
    func quadraticMerge() {
        let violations = (0..<500).reduce(RawMessage()) { message, _ in message.content(1, []) }
        let details = RawMessage().content(2, violations.bytes).bytes
        let bytes = [[UInt8]](repeating: details, count: 1800).flatMap { $0 }
        #expect(bytes.count > 1_800_000)
        let clock = ContinuousClock()
        let time = clock.measure {
            let error = refusal(of: bytes, as: V1.ErrorDetails.self)
            #expect(error?.reason == .duplicateField)
            #expect(error?.field == "bad_request")
        }
        #expect(time < .milliseconds(200))
    }

    @Test("a megabyte of empty submessages (70 times its size in memory)")
    func emptySubmessages() {
        let bytes = [[UInt8]](repeating: [0x0A, 0x00], count: 500_000).flatMap { $0 }
        let time = ContinuousClock().measure {
            #expect(refusal(of: bytes, as: V1.ListPeersResponse.self)?.reason == .tooMuchMemory)
        }
        #expect(time < .milliseconds(200))
    }

    @Test("a megabyte of unknown fields")
    func unknownFields() {
        let bytes = [[UInt8]](repeating: [0x78, 0x00], count: 500_000).flatMap { $0 }
        let error = refusal(of: bytes, as: V1.GetPeerRequest.self)
        #expect(error == MessageError(.tooManyUnknownFields, offset: 513))
    }

    @Test("a budget is kept to the byte")
    func budget() throws {
        let bytes = V1.GetPeerRequest(name: "laptop").serialized()
        func read(_ budget: Int) throws(MessageError) -> V1.GetPeerRequest {
            let result = unsafe bytes.withUnsafeBytes { buffer in
                Result { () throws(MessageError) in try unsafe V1.GetPeerRequest(serialized: buffer, budget: budget) }
            }
            return try result.get()
        }
        for budget in [Int.min, -1, 0, 1, 40] {
            #expect(throws: MessageError.self) { try read(budget) }
        }
        #expect(try read(48).name == "laptop")
    }

    @Test("a NUL in a text", arguments: ["\0", "a\0b", "wg0\0"])
    func nul(text: String) {
        let bytes = RawMessage().content(2, Array(text.utf8)).bytes
        let error = refusal(of: bytes, as: V1.GetPeerRequest.self)
        #expect(error?.reason == .textContainsNUL)
        #expect(error?.field == "name")
    }

    @Test(
        "text that is not UTF-8",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xFF], [0xE2, 0x28, 0xA1],
            [0xF0, 0x9F, 0x28, 0x80], [0xF0, 0x9F, 0x98, 0x28],
        ] as [[UInt8]]
    )
    func notUTF8(text: [UInt8]) {
        let bytes = RawMessage().content(1, [0x61] + text).bytes
        #expect(refusal(of: bytes, as: V1.GetPeerRequest.self)?.reason == .textIsNotUTF8)
        #expect(String(validating: text, as: UTF8.self) == nil)
    }

    @Test(
        "numbers that are no varint or do not fit",
        arguments: [
            ([UInt8](repeating: 0x80, count: 10) + [0x01], .malformedVarint),
            ([UInt8](repeating: 0xFF, count: 9) + [0x02], .malformedVarint),
            ([0x80], .truncated),
            ([], .truncated),
            ([0x80, 0x80, 0x80, 0x80, 0x10], .valueOutOfRange),
            ([UInt8](repeating: 0xFF, count: 9) + [0x01], .valueOutOfRange),
        ] as [([UInt8], MessageError.Reason)]
    )
    func numbers(value: [UInt8], reason: MessageError.Reason) {
        let error = refusal(of: [0x20] + value, as: V1.CreateInterfaceRequest.self)
        #expect(error?.reason == reason)
        #expect(error?.field == "listen_port")
    }

    @Test("a bool that is neither 0 nor 1, an enum beyond 32 bits")
    func narrowNumbers() {
        #expect(refusal(of: [0x50, 0x02], as: V1.CreateInterfaceRequest.self)?.reason == .valueOutOfRange)
        let wide = RawMessage().number(2, 0x1_0000_0001).bytes
        #expect(refusal(of: wide, as: V1.CreateInterfaceRequest.self)?.reason == .valueOutOfRange)
    }

    @Test(
        "tags and lengths",
        arguments: [
            ([0x00, 0x01], .malformedTag), ([0x02, 0x00], .malformedTag),
            ([0x0B], .wrongWireType), ([0x0C], .wrongWireType), ([0x0E], .wrongWireType), ([0x0F], .wrongWireType),
            ([0x7B, 0x7C], .wrongWireType),
            ([0x08, 0x01], .wrongWireType), ([0x0D, 1, 2, 3, 4], .wrongWireType),
            ([0x8A, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00], .malformedVarint),
            ([0xFA, 0xFF, 0xFF, 0xFF, 0x7F, 0x00], .malformedVarint),
            ([0x0A, 0x8A, 0x80, 0x80, 0x80, 0x80, 0x00], .malformedVarint),
            ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], .truncated), ([0x0A, 0x02, 0x61], .truncated),
            ([0x7D, 1, 2, 3], .truncated), ([0x79, 1, 2, 3, 4, 5, 6, 7], .truncated), ([0x0A], .truncated),
            ([0x0A, 0x01, 0x61, 0x0A, 0x01, 0x61], .duplicateField),
        ] as [([UInt8], MessageError.Reason)]
    )
    func tags(bytes: [UInt8], reason: MessageError.Reason) {
        #expect(refusal(of: bytes, as: V1.GetPeerRequest.self)?.reason == reason)
    }

    @Test("the error names the field by its path")
    func path() {
        let good = RawMessage().content(1, Array("a".utf8)).bytes
        let bad = RawMessage().content(1, Array("b".utf8)).content(2, [0xFF]).bytes
        let peers = RawMessage().content(2, good).content(1, Array("wg0".utf8)).content(2, good).content(2, good)
        let error = refusal(of: peers.content(2, bad).bytes, as: V1.CreatePeersRequest.self)
        #expect(error?.field == "peers[3].public_key")
        #expect(error?.reason == .textIsNotUTF8)
        let addresses = RawMessage().content(3, good).content(3, [0x00]).bytes
        let second = refusal(of: peers.content(2, addresses).bytes, as: V1.CreatePeersRequest.self)
        #expect(second?.field == "peers[3].addresses[1]")
        #expect(Status.malformed(error ?? MessageError(.tooDeep)).details?.badRequest?.fieldViolations.count == 1)
    }

    private func truncate<M: SampledMessage>(_ type: M.Type) {
        var random = SampleSource(state: 11)
        for _ in 0..<10 {
            let bytes = M.sample(&random).serialized()
            for count in bytes.indices {
                let prefix = Array(bytes.prefix(count))
                guard let value = try? M(serialized: prefix) else { continue }
                // A cut between two fields is a message; nothing else is.
                #expect(value.serialized() == prefix)
            }
        }
    }

    @Test("a message that ends at any byte is refused or is the shorter message")
    func truncations() {
        for type in everyMessage { truncate(type) }
    }

    private func mutate<M: SampledMessage>(_ type: M.Type, times: Int, _ random: inout SampleSource) {
        for _ in 0..<times {
            var bytes = M.sample(&random).serialized()
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 2: bytes.remove(at: at)
                default: bytes.insert(contentsOf: random.bytes(upTo: 6), at: at)
                }
            }
            judge(type, bytes)
            judge(type, random.bytes(upTo: 60))
        }
    }

    /// What is read is read again after it was written, and the check foresaw all memory.
    private func judge<M: SampledMessage>(_ type: M.Type, _ bytes: [UInt8]) {
        do throws(MessageError) {
            let value = try M(serialized: bytes)
            #expect(try M(serialized: value.serialized()) == value)
        } catch {
            #expect(error.reason != .refusedByDecoder, "\(M.protoName) \(bytes)")
            #expect(error.offset <= bytes.count)
        }
    }

    @Test("a hundred thousand broken and random messages crash nothing")
    func mutations() {
        var random = SampleSource(state: 2024)
        for type in everyMessage { mutate(type, times: 1000, &random) }
    }
}
