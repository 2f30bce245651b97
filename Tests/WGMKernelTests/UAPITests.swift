// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import WGMKeys
import WGMModel

@testable import WGMKernel

@Suite("Userspace text protocol")
struct UAPITests {
    private static let zeros = String(repeating: "0", count: 64)

    private func read(_ text: String, chunk: Int = .max) throws -> DeviceDump {
        var reply = UAPIReply(purpose: "testing")
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(chunk))
            rest = rest.dropFirst(part.count)
            try part.withSpan { (span) throws(KernelFailure) in try reply.read(span) }
        }
        guard reply.isComplete else { throw KernelFailure(.other, "incomplete") }
        return reply.device
    }

    private func hex(_ bytes: [UInt8]) -> String {
        var buffer = WipedBuffer(capacity: 64)
        unsafe bytes.withUnsafeBytes { unsafe buffer.append(hex: $0) }
        return unsafe String(decoding: buffer.bytes, as: UTF8.self)
    }

    @Test("the answer of wireguard-go is read, in pieces of any size", arguments: [1, 2, 3, 7, 64, .max])
    func golden(_ chunk: Int) throws {
        // The public key is what `wg pubkey` says.
        let text = """
            private_key=\(String(repeating: "a0", count: 31))41
            listen_port=51820
            fwmark=51
            public_key=\(hex(try PublicKey.sample(1).bytes))
            preshared_key=\(String(repeating: "ab", count: 32))
            protocol_version=1
            endpoint=[fe80::1%3]:51820
            last_handshake_time_sec=1700000000
            last_handshake_time_nsec=5
            tx_bytes=7
            rx_bytes=8
            persistent_keepalive_interval=25
            allowed_ip=fd00::/64
            allowed_ip=192.0.2.1/32
            public_key=\(hex(try PublicKey.sample(2).bytes))
            preshared_key=\(Self.zeros)
            last_handshake_time_sec=0
            last_handshake_time_nsec=0
            errno=0


            """
        let dump = try read(text, chunk: chunk)
        #expect(dump.publicKey?.description == "S57xqPhv4kVeS1z0OVVyhJU800AEMfFzw5eQN5gTbHs=")
        #expect(dump.listenPort == 51820 && dump.firewallMark == 51)
        let peer = try #require(dump.peers[.sample(1)])
        #expect(peer.presharedKey == .unknown && peer.keepalive == 25 && peer.sentBytes == 7 && peer.receivedBytes == 8)
        #expect(peer.endpoint == Endpoint(try #require(IPAddress("fe80::1")), port: 51820, zone: 3))
        #expect(peer.allowedAddresses == [try prefix("fd00::/64"), try prefix("192.0.2.1/32")])
        #expect(peer.lastHandshake == Timestamp(seconds: 1_700_000_000, nanoseconds: 5))
        #expect(dump.peers[try .sample(2)] == ActualPeer())
    }

    @Test("an error number is an error, whatever its sign", arguments: [98, -98])
    func errors(_ number: Int32) {
        #expect(throws: KernelFailure(errno: EADDRINUSE, purpose: "testing")) { try read("errno=\(number)\n\n") }
    }

    @Test(
        "what is not of the protocol is refused",
        arguments: [
            "\n", "errno\n\n", "errno=\n\n", "errno=x\n\n", "errno=99999999999\n\n", "errno=-9223372036854775808\n\n",
            "garbage\n", "errno=0\nlisten_port=1\n\n", "errno=0\n\nmore", "listen_port=65536\nerrno=0\n\n",
            "listen_port=-1\nerrno=0\n\n", "public_key=00\nerrno=0\n\n", "private_key=zz\nerrno=0\n\n",
            "public_key=\(zeros)\nerrno=0\n\n", "private_key=\(zeros.dropLast())g\nerrno=0\n\n", "errno=0\n",
            String(repeating: "x", count: 4096), "x=" + String(repeating: "y", count: 600) + "\n", "",
            "public_key=\(zeros.dropLast())1\nallowed_ip=192.0.2.1/24\nerrno=0\n\n",
        ]
    )
    func garbage(_ text: String) {
        #expect(throws: KernelFailure.self) { try read(text) }
    }

    @Test("random bytes and single changed bytes never trap")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...200)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = try? read(String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test("a request has the lines that the protocol asks for")
    func request() throws {
        let keys = try SealingKey.generate()
        let link = try OwnedLink.sample()
        var change = PeerChange(publicKey: try .sample(1))
        change.presharedKey = .clear
        change.endpoint = Endpoint("[2001:db8::1]:51820")
        change.keepalive = 0
        change.replaceAllowedAddresses = true
        change.addAllowedAddresses = [try prefix("fd00::/64")]
        var request = UAPIRequest()
        try request.add(DeviceChange(listenPort: 51820, firewallMark: 0), of: link, keys: keys)
        try request.add(.change(change), of: link, keys: keys)
        try request.add(.removal(.sample(2)), of: link, keys: keys)
        request.end()
        let expected = """
            set=1
            listen_port=51820
            fwmark=0
            public_key=\(hex(try PublicKey.sample(1).bytes))
            preshared_key=\(Self.zeros)
            endpoint=[2001:db8::1]:51820
            persistent_keepalive_interval=0
            replace_allowed_ips=true
            allowed_ip=fd00::/64
            public_key=\(hex(try PublicKey.sample(2).bytes))
            remove=true


            """
        #expect(unsafe String(decoding: request.text.bytes, as: UTF8.self) == expected)
    }

    @Test("keys as text are what the plain coders say", arguments: 0..<64)
    func coders(_ seed: UInt8) throws {
        let bytes = (0..<32).map { UInt8($0) &* 7 &+ seed &* 4 &+ UInt8($0 % 2) }
        let expected = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex(bytes) == expected)
        var decoded = WipedBuffer(capacity: 1)
        let text = Array((seed % 2 == 0 ? expected : expected.uppercased()).utf8)
        #expect(text.withSpan { decoded.append(decodingKey: $0) })
        #expect(unsafe Array(decoded.bytes) == bytes)
        var base64 = WipedBuffer(capacity: 1)
        unsafe base64.append(base64: decoded.bytes)
        #expect(unsafe String(decoding: base64.bytes, as: UTF8.self) == Base64.encode(bytes, variant: .standard))
    }

    @Test("a byte that is no hexadecimal digit is refused", arguments: UInt8.min...UInt8.max)
    func digits(_ byte: UInt8) {
        let isDigit = "0123456789abcdefABCDEF".utf8.contains(byte)
        var buffer = WipedBuffer(capacity: 64)
        var text = [UInt8](repeating: UInt8(ascii: "a"), count: 64)
        text[63] = byte
        #expect(text.withSpan { buffer.append(decodingKey: $0) } == isDigit)
    }
}
