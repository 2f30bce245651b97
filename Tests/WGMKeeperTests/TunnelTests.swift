// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import WGMKeeperProtocol
import WGMModel

@Suite("The program wgmd-keeper with real links")
struct TunnelTests {
    private let name = Sample.interface("wgmk0")

    @Test("makes a userspace tunnel, reads back what it set, and leaves it up when it ends")
    func tunnel() async throws {
        let state = try StateFolderFixture()
        let namespace = try NetworkNamespace()
        let program = try KeeperProgram(
            state: state.path,
            ["--userspace-program", "/usr/bin/wireguard-go"],
            wrapper: namespace.wrapper
        )
        let expected: ActualInterface
        do {
            let client = program.client()
            _ = try await client.hello()
            expected = try await setUp(client)
            #expect(try await client.ownedInterfaces() == [name: Sample.owner])
            let foreign = await #expect(throws: KernelFailure.self) {
                try await client.apply(.deleteLink, to: name, owner: InterfaceID(1))
            }
            #expect(foreign?.reason == .notOurs)
        }
        #expect(program.wait() == 0, "\(program.complaint())")
        let link = try namespace.run(["link", "show", name.value])
        #expect(link.contains("UP") && link.contains("mtu \(expected.mtu)"))
    }

    @Test("deletes its link, and can do so twice")
    func deletion() async throws {
        let state = try StateFolderFixture()
        let namespace = try NetworkNamespace()
        let more = ["--userspace-program", "/usr/bin/wireguard-go"]
        let program = try KeeperProgram(state: state.path, more, wrapper: namespace.wrapper)
        let client = program.client()
        _ = try await client.hello()
        _ = try await setUp(client)
        for _ in 0..<2 { try await client.apply(.deleteLink, to: name, owner: Sample.owner) }
        #expect(try await client.dump(name) == nil)
        #expect(try await client.ownedInterfaces().isEmpty)
    }

    private func setUp(_ client: KeeperClient) async throws -> ActualInterface {
        let key = try await client.generateKey(for: Sample.owner)
        var peer = PeerChange(publicKey: Sample.key(number: 5))
        peer.keepalive = 25
        peer.endpoint = Endpoint(IPAddress(v4: 0x7f00_0001), port: 9)
        peer.addAllowedAddresses = [Sample.prefix("10.9.0.2/32"), Sample.prefix("fd00:9::/64")]
        let changes: [KernelChange] = [
            .createLink(backend: .userspace, mtu: 1400),
            .setDevice(privateKey: key.sealed, listenPort: 51999, firewallMark: 7),
            .addAddresses([Sample.address("10.9.0.1/24"), Sample.address("fd00:9::1/64")]),
            .setPeers([peer]),
            .setLink(mtu: 1380, isUp: true),
            .addRoutes([Sample.prefix("10.10.0.0/16")]),
        ]
        for change in changes { try await client.apply(change, to: name, owner: Sample.owner) }
        let actual = try #require(try await client.dump(name))
        #expect(actual.owner == Sample.owner && actual.backend == .userspace)
        #expect(actual.publicKey == key.publicKey && actual.listenPort == 51999 && actual.firewallMark == 7)
        #expect(actual.isUp && actual.mtu == 1380)
        #expect(actual.addresses.isSuperset(of: [Sample.address("10.9.0.1/24"), Sample.address("fd00:9::1/64")]))
        #expect(actual.routes == [Sample.prefix("10.10.0.0/16")])
        let actualPeer = try #require(actual.peers[peer.publicKey])
        #expect(actual.peers.count == 1 && actualPeer.keepalive == 25 && actualPeer.endpoint == peer.endpoint)
        #expect(actualPeer.allowedAddresses == PrefixSet(peer.addAllowedAddresses) && actualPeer.presharedKey == nil)
        return actual
    }
}

/// A network namespace of its own, removed at the end together with its links.
private final class NetworkNamespace {
    private let name = "wgm-keeper-\(UInt32.random(in: .min ... .max))"

    init() throws {
        try #require(geteuid() == 0, "network namespaces need root")
        _ = try ip(["netns", "add", name])
    }

    deinit {
        _ = try? run(["link", "delete", "wgmk0"])
        _ = try? ip(["netns", "delete", name])
    }

    /// In the namespace, and with what Debian has in `/dev/net` and the package makes in `/run`, in folders of its own.
    var wrapper: [String] {
        let script = """
            mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 \
                && install -d -o \(KeeperProgram.user) -m 700 /run/wireguard && exec "$@"
            """
        return ["ip", "netns", "exec", name, "unshare", "-m", "sh", "-c", script, "sh"]
    }

    func run(_ arguments: [String]) throws -> String { try ip(["-n", name] + arguments) }

    struct Failed: Error {
        let arguments: [String]
    }

    private func ip(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/sbin/ip")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(arguments: arguments) }
        return text
    }
}
