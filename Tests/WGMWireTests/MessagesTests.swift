// SPDX-License-Identifier: Apache-2.0
import Testing
import WGMWire

@Suite("Messages keep their values on the wire")
struct MessagesTests {
    private func roundTrip<M: SampledMessage>(_ type: M.Type, times: Int) throws {
        var random = SampleSource(state: M.protoName.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        for _ in 0..<times {
            let value = M.sample(&random)
            let bytes = value.serialized()
            #expect(try M(serialized: bytes) == value, "\(M.protoName)")
        }
    }

    @Test("a random value of every message is read as it was written")
    func everyMessage() throws {
        #expect(WGMWireTests.everyMessage.count > 50)
        for type in WGMWireTests.everyMessage { try roundTrip(type, times: 200) }
    }

    @Test("an empty message is no bytes, and no bytes are an empty message")
    func empty() throws {
        #expect(V1.Peer().serialized() == [])
        #expect(try V1.Peer(serialized: []) == V1.Peer())
        #expect(try V1.LoginRequest(serialized: []) == V1.LoginRequest())
    }

    @Test("absent and zero are two things")
    func absence() throws {
        let zero = V1.Peer(keepaliveS: 0, comment: "")
        #expect(try V1.Peer(serialized: zero.serialized()) == zero)
        #expect(try V1.Peer(serialized: zero.serialized()) != V1.Peer())
        let bytes = V1.MetadataPair(key: "k", value: [])
        #expect(try V1.MetadataPair(serialized: bytes.serialized()) == bytes)
    }

    @Test("an enum value that this version does not know survives")
    func unknownEnumValue() throws {
        for value: Int32 in [3, 77, .max, -1, .min] {
            let request = V1.CreateInterfaceRequest(backend: .unrecognized(value))
            #expect(try V1.CreateInterfaceRequest(serialized: request.serialized()) == request)
        }
        #expect(V1.InterfaceBackend(rawValue: 1) == .kernel)
        #expect(V1.InterfaceBackend.kernel.protoName == "INTERFACE_BACKEND_KERNEL")
        #expect(V1.InterfaceBackend(rawValue: 9).protoName == "9")
    }

    @Test("unknown fields are skipped")
    func unknownFields() throws {
        let bytes = RawMessage().number(900, 1).content(1, Array("wg0".utf8)).content(901, [1, 2, 3])
            .raw([0x95, 0x3F, 1, 2, 3, 4]).raw([0x91, 0x3F, 1, 2, 3, 4, 5, 6, 7, 8]).bytes
        #expect(try V1.GetInterfaceRequest(serialized: bytes) == V1.GetInterfaceRequest(name: "wg0"))
    }

    @Test("a repeated number is read packed, unpacked and mixed")
    func packed() throws {
        let bytes = RawMessage().content(5, [1, 2, 0xAC, 0x02]).number(5, 9).bytes
        #expect(try V1.Goaway(serialized: bytes).majors == [1, 2, 300, 9])
    }

    @Test("five thousand peers make the way in one message")
    func manyPeers() throws {
        let peers = (0..<5000).map { number in
            V1.NewPeer(
                name: "peer-\(number)",
                publicKey: String(repeating: "A", count: 43) + "=",
                allowedAddresses: ["10.0.0.0/24", "fd00::/64"],
                comment: String(repeating: "c", count: 60)
            )
        }
        let request = V1.CreatePeersRequest(interface: "wg0", peers: peers)
        let bytes = request.serialized()
        #expect(bytes.count < V1.Peers.create.maxRequestBytes)
        #expect(try V1.CreatePeersRequest(serialized: bytes) == request)
    }

    @Test("a NUL in a text is written as U+FFFD, so that the text is not cut")
    func nul() throws {
        let bytes = V1.GetPeerRequest(name: "a\0b").serialized()
        #expect(try V1.GetPeerRequest(serialized: bytes).name == "a\u{FFFD}b")
    }

    @Test("bytes are those of Google's protobuf")
    func golden() throws {
        // protoc 3.21.12 --encode=wgm.v1.Peer and wgm.v1.End.
        let peer = V1.Peer(
            interface: "wg0",
            name: "zoë",
            enabled: true,
            addresses: ["fd00::2", "10.0.0.2"],
            keepaliveS: 25,
            createdUnixMs: -1,
            status: V1.PeerStatus(present: false, receivedBytes: .max)
        )
        #expect(peer.serialized() == hexadecimal(Golden.peer))
        #expect(try V1.Peer(serialized: hexadecimal(Golden.peer)) == peer)
        let end = V1.End(
            code: 3,
            message: "no",
            details: V1.ErrorDetails(
                errorInfo: V1.ErrorInfo(
                    reason: "FIELD_INVALID",
                    domain: "wgm",
                    metadata: [V1.ErrorFact(key: "a", value: "b"), V1.ErrorFact()]
                )
            ),
            trailers: [V1.MetadataPair(key: "k", value: [0, 255])],
            reply: []
        )
        #expect(end.serialized() == hexadecimal(Golden.end))
        #expect(try V1.End(serialized: hexadecimal(Golden.end)) == end)
    }

    private func hexadecimal(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.utf8.count, by: 2).compactMap { offset in
            UInt8(text.dropFirst(offset).prefix(2), radix: 16)
        }
    }
}

/// Messages encoded by another implementation.
private enum Golden {
    static let peer =
        "0a0377673012047a6fc3ab20012a07666430303a3a322a0831302e302e302e32401958ffffffffffffffffff01620d080020"
        + "ffffffffffffffffff01"
    static let end =
        "080312026e6f1a200a1e0a0d4649454c445f494e56414c4944120377676d1a060a01611201621a0022070a016b120200ff32"
        + "00"
}
