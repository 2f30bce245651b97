// SPDX-License-Identifier: Apache-2.0

import CMnl
import Glibc
import Testing
import WGMModel

@testable import WGMKernel

@Suite("Dumps of WireGuard devices")
struct DeviceDumpTests {
    private static let command: [UInt8] = [0, 1, 0, 0]

    private func allowed(_ text: String) throws -> [UInt8] {
        let prefix = try prefix(text)
        let family = UInt16(prefix.family == .v4 ? AF_INET : AF_INET6)
        return .attribute(
            0,
            .attribute(WGALLOWEDIP_A_FAMILY, .number(family)) + .attribute(WGALLOWEDIP_A_IPADDR, prefix.address.bytes)
                + .attribute(WGALLOWEDIP_A_CIDR_MASK, [prefix.length])
        )
    }

    private func read(_ messages: [UInt8]...) throws -> DeviceDump {
        var dump = DeviceDump()
        for message in messages {
            try message.withSpan { (span) throws(KernelFailure) in try dump.read(span) }
        }
        return dump
    }

    private func firstMessage() throws -> [UInt8] {
        let peer: [UInt8] =
            try .attribute(WGPEER_A_PUBLIC_KEY, PublicKey.sample(1).bytes)
            + .attribute(WGPEER_A_PRESHARED_KEY, [UInt8](repeating: 9, count: 32))
            + .attribute(WGPEER_A_ENDPOINT, try #require(Endpoint("[2001:db8::1]:51820")).socketAddress)
            + .attribute(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, .number(UInt16(25)))
            + .attribute(WGPEER_A_LAST_HANDSHAKE_TIME, .number(Int64(1_700_000_000)) + .number(Int64(5)))
            + .attribute(WGPEER_A_RX_BYTES, .number(UInt64(1) << 40))
            + .attribute(WGPEER_A_TX_BYTES, .number(UInt64(7)))
            + .attribute(WGPEER_A_ALLOWEDIPS, allowed("fd00::1/128") + allowed("192.0.2.0/24"))
        return try Self.command + .attribute(WGDEVICE_A_PRIVATE_KEY, [UInt8](repeating: 0x55, count: 32))
            + .attribute(WGDEVICE_A_PUBLIC_KEY, PublicKey.sample(99).bytes)
            + .attribute(WGDEVICE_A_LISTEN_PORT, .number(UInt16(51820)))
            + .attribute(WGDEVICE_A_FWMARK, .number(UInt32(0xca6c))) + .attribute(WGDEVICE_A_PEERS, .attribute(0, peer))
    }

    private func secondMessage() throws -> [UInt8] {
        let rest: [UInt8] =
            try .attribute(WGPEER_A_PUBLIC_KEY, PublicKey.sample(1).bytes)
            + .attribute(WGPEER_A_ALLOWEDIPS, allowed("fd00::2/128"))
        let next: [UInt8] = try .attribute(WGPEER_A_PUBLIC_KEY, PublicKey.sample(2).bytes)
        return Self.command + .attribute(WGDEVICE_A_PEERS, .attribute(0, rest) + .attribute(0, next))
    }

    @Test("a peer that goes on in the next message is one peer with all its addresses")
    func continuation() throws {
        let dump = try read(firstMessage(), secondMessage())
        let peer = try #require(dump.peers[.sample(1)])
        #expect(dump.publicKey == (try .sample(99)))
        #expect(dump.listenPort == 51820 && dump.firewallMark == 0xca6c)
        #expect(
            peer.allowedAddresses == [try prefix("fd00::1/128"), try prefix("192.0.2.0/24"), try prefix("fd00::2/128")]
        )
        #expect(
            peer.presharedKey == .unknown && peer.keepalive == 25 && peer.receivedBytes == 1 << 40
                && peer.sentBytes == 7
        )
        #expect(peer.endpoint == Endpoint("[2001:db8::1]:51820"))
        #expect(peer.lastHandshake == Timestamp(seconds: 1_700_000_000, nanoseconds: 5))
        #expect(dump.peers[try .sample(2)] == ActualPeer())
    }

    @Test("of the keys nothing but their presence is kept")
    func noSecrets() throws {
        let text = String(reflecting: try read(firstMessage()))
        #expect(!text.contains("85, 85") && !text.contains("9, 9") && !text.contains("5555") && !text.contains("0909"))
    }

    @Test("every cut and every changed byte is refused or read, and nothing traps")
    func hostile() throws {
        let good = try firstMessage()
        for length in good.indices { _ = try? read(Array(good[..<length])) }
        for index in good.indices {
            for value: UInt8 in [0, 1, 4, 0x7f, 0xff] {
                var bad = good
                bad[index] = value
                _ = try? read(bad)
            }
        }
    }

    @Test("addresses of sockets are read back", arguments: ["192.0.2.1:1", "[fe80::1]:65535"])
    func socketAddresses(_ text: String) throws {
        let plain = try #require(Endpoint(text))
        let endpoint = Endpoint(plain.address, port: plain.port, zone: plain.address.family == .v6 ? 3 : 0)
        #expect(endpoint.socketAddress.withSpan { Endpoint(socketAddress: $0) } == endpoint)
        #expect(endpoint.socketAddress.dropLast(1).withSpan { Endpoint(socketAddress: $0) } == nil)
    }
}

extension ArraySlice<UInt8> {
    fileprivate func withSpan<Result>(_ body: (RawSpan) -> Result) -> Result { Array(self).withSpan(body) }
}
