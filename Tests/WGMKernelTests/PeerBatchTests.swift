// SPDX-License-Identifier: Apache-2.0

import CMnl
import Testing
import WGMKeys
import WGMModel

@testable import WGMKernel

@Suite("Peers in batches")
struct PeerBatchTests {
    /// One message as the kernel would read it.
    private struct Message {
        var peers: [(key: PublicKey, flags: UInt32, addressCount: Int, attributes: [UInt16])] = []
        var byteCount = 0
    }

    private func batches(_ requests: [PeerRequest], capacity: Int) throws -> (messages: [Message], dump: DeviceDump) {
        let keys = try SealingKey.generate()
        var batch = PeerBatch(requests, of: try .sample())
        var messages: [Message] = []
        var dump = DeviceDump()
        while !batch.isDone {
            var message = NetlinkMessage(0x1c, [], genlmsghdr(), capacity: capacity)
            try batch.write(to: &message, keys: keys)
            let bytes = unsafe Array(message.bytes.dropFirst(16))
            messages.append(try Self.parse(bytes))
            try bytes.withSpan { (span) throws(KernelFailure) in try dump.read(span) }
        }
        return (messages, dump)
    }

    private static func parse(_ bytes: [UInt8]) throws -> Message {
        var result = Message()
        result.byteCount = bytes.count + 16
        try bytes.withSpan { (span) throws(KernelFailure) in
            try span.forEachAttribute(from: 4) { (_, peers) throws(KernelFailure) in
                try peers.forEachAttribute { (_, peer) throws(KernelFailure) in
                    var key: PublicKey?, flags: UInt32 = 0, count = 0, attributes: [UInt16] = []
                    try peer.forEachAttribute { (type, value) throws(KernelFailure) in
                        attributes.append(type)
                        if type == WGPEER_A_PUBLIC_KEY.type { key = PublicKey(bytes: value.array) }
                        if type == WGPEER_A_FLAGS.type { flags = try value.value(UInt32.self) }
                        if type == WGPEER_A_ALLOWEDIPS.type {
                            try value.forEachAttribute { (_, _) throws(KernelFailure) in count += 1 }
                        }
                    }
                    if let key { result.peers.append((key, flags, count, attributes)) }
                }
            }
        }
        return result
    }

    private func peer(_ number: Int, addressCount: Int) throws -> PeerChange {
        var peer = PeerChange(publicKey: try .sample(number))
        peer.replaceAllowedAddresses = true
        peer.presharedKey = .clear
        peer.keepalive = 0
        peer.endpoint = Endpoint("192.0.2.1:51820")
        peer.addAllowedAddresses = try (0..<addressCount).map { index in
            let bits = UInt128(0xfd) << 120 | UInt128(number) << 64 | UInt128(index)
            return try #require(IPPrefix(IPAddress(v6: bits), length: 128))
        }
        return peer
    }

    @Test("a thousand peers fill messages, none divided, none lost, all in order")
    func manyPeers() throws {
        let peers = try (0..<1000).map { try peer($0, addressCount: 2) }
        let (messages, dump) = try batches(peers.map { .change($0) }, capacity: 4096)
        #expect(messages.flatMap { $0.peers.map(\.key) } == peers.map(\.publicKey))
        #expect(messages.allSatisfy { $0.byteCount <= 4096 && $0.peers.allSatisfy { $0.addressCount == 2 } })
        let onePeer = 4096 / 20
        #expect(messages.dropLast().allSatisfy { $0.byteCount > 4096 - onePeer })
        #expect(dump.peers.count == 1000)
        for peer in peers {
            #expect(dump.peers[peer.publicKey]?.allowedAddresses == PrefixSet(peer.addAllowedAddresses))
        }
    }

    @Test(
        "a peer with more addresses than one message holds goes on in the next, without being replaced or created again"
    )
    func manyAddresses() throws {
        let big = try peer(1, addressCount: 500)
        let requests: [PeerRequest] = [
            .change(try peer(0, addressCount: 1)), .change(big), .change(try peer(2, addressCount: 1)),
        ]
        let (messages, dump) = try batches(requests, capacity: 4096)
        let parts = messages.flatMap(\.peers).filter { $0.key == big.publicKey }
        #expect(messages[0].peers.map(\.key) == [try .sample(0)])
        #expect(parts.count > 2)
        #expect(parts.map(\.addressCount).reduce(0, +) == 500)
        #expect(parts[0].flags == WGPEER_F_REPLACE_ALLOWEDIPS.rawValue)
        for part in parts.dropFirst() {
            #expect(part.flags == WGPEER_F_UPDATE_ONLY.rawValue)
            #expect(part.attributes == [WGPEER_A_PUBLIC_KEY.type, WGPEER_A_FLAGS.type, WGPEER_A_ALLOWEDIPS.type])
        }
        #expect(dump.peers[big.publicKey]?.allowedAddresses == PrefixSet(big.addAllowedAddresses))
        #expect(messages.last?.peers.map(\.key) == [big.publicKey, try .sample(2)])
    }

    @Test("at every capacity, nothing is lost or sent twice", arguments: Array(stride(from: 256, through: 1024, by: 4)))
    func everyCapacity(_ capacity: Int) throws {
        let peers = try [0, 7, 1, 30, 0].enumerated().map { try peer($0.offset, addressCount: $0.element) }
        let (messages, dump) = try batches(peers.map { .change($0) }, capacity: capacity)
        #expect(messages.allSatisfy { $0.byteCount <= capacity })
        #expect(messages.flatMap(\.peers).map(\.addressCount).reduce(0, +) == 38)
        for peer in peers {
            #expect(dump.peers[peer.publicKey]?.allowedAddresses == PrefixSet(peer.addAllowedAddresses))
        }
    }

    @Test("what is to be kept is not sent")
    func keep() throws {
        let messages = try batches([.change(PeerChange(publicKey: try .sample(1)))], capacity: 256).messages
        #expect(messages[0].peers[0].attributes == [WGPEER_A_PUBLIC_KEY.type])
    }

    @Test("what is to be cleared is sent as zero")
    func clear() throws {
        var change = PeerChange(publicKey: try .sample(1))
        change.presharedKey = .clear
        change.keepalive = 0
        change.updateOnly = true
        let (messages, dump) = try batches([.change(change)], capacity: 256)
        let expected = [
            WGPEER_A_PUBLIC_KEY.type, WGPEER_A_FLAGS.type, WGPEER_A_PRESHARED_KEY.type,
            WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL.type,
        ]
        #expect(messages[0].peers[0].attributes == expected)
        #expect(dump.peers[change.publicKey]?.presharedKey == nil)
    }

    @Test("a removal says nothing but that")
    func removal() throws {
        let messages = try batches((0..<100).map { .removal(try .sample($0)) }, capacity: 1024).messages
        #expect(messages.flatMap(\.peers).count == 100)
        #expect(
            messages.flatMap(\.peers).allSatisfy { $0.flags == WGPEER_F_REMOVE_ME.rawValue && $0.attributes.count == 2 }
        )
    }

    @Test("a sealed key of another interface is refused before anything is sent")
    func foreignKey() throws {
        let keys = try SealingKey.generate()
        let preshared = try PresharedKey.generate()
        var change = PeerChange(publicKey: try .sample(1))
        change.presharedKey = .set(try keys.seal(preshared, of: InterfaceID(8), peer: change.publicKey))
        let link = try OwnedLink.sample()
        var failure: KernelFailure?
        do throws(KernelFailure) { try keys.check([change], of: link) } catch { failure = error }
        #expect(failure?.reason == .sealed)
    }
}
