// SPDX-License-Identifier: Apache-2.0

import CMnl
import Glibc
import Testing
import WGMKeys
import WGMModel

@testable import WGMKernel

/// Real interfaces in a network namespace, with wireguard-go; with the kernel's own WireGuard when `WGM_KERNEL_TEST=1`.
@Suite("Real interfaces", .serialized, .timeLimit(.minutes(5)))
struct RealInterfaceTests {
    /// An interface under test, and what it takes to change it.
    struct Bench: ~Copyable {
        var kernel: LinuxKernel
        let keys: SealingKey
        let interface: InterfaceName
        let owner = InterfaceID(4711)

        init() throws {
            let kernel = try LinuxKernel(options: .init(userspaceProgram: "/usr/bin/wireguard-go"))
            let keys = try SealingKey.generate()
            interface = try name("wg0")
            self.kernel = kernel
            self.keys = keys
        }

        mutating func apply(_ change: KernelChange) throws {
            try kernel.apply(change, to: interface, owner: owner, keys: keys)
        }

        mutating func create() throws { try apply(.createLink(backend: Bench.backend, mtu: 1400)) }

        mutating func dump() throws -> ActualInterface { try #require(try kernel.dump(interface)) }

        mutating func reason(_ change: KernelChange, owner: InterfaceID) -> KernelFailure.Reason? {
            do throws(KernelFailure) {
                try kernel.apply(change, to: interface, owner: owner, keys: keys)
                return nil
            } catch {
                return error.reason
            }
        }

        static let backend: Backend =
            unsafe getenv("WGM_KERNEL_TEST").map { unsafe String(cString: $0) } == "1" ? .kernel : .userspace
    }

    private func sandboxed(_ body: @escaping (inout Bench) throws -> Void) throws {
        try Sandbox.run {
            var bench = try Bench()
            try body(&bench)
        }
    }

    private func peer(_ number: Int, _ bench: borrowing Bench) throws -> PeerChange {
        var peer = PeerChange(publicKey: try .sample(number))
        let preshared = try PresharedKey.generate()
        peer.presharedKey = .set(try bench.keys.seal(preshared, of: bench.owner, peer: peer.publicKey))
        peer.endpoint = Endpoint(IPAddress(v4: 0x7f00_0001), port: UInt16(1024 + number))
        peer.keepalive = 25
        peer.replaceAllowedAddresses = true
        let v6 = IPAddress(v6: UInt128(0xfd) << 120 | UInt128(number))
        let v4 = IPAddress(v4: 0x0a00_0000 | UInt32(number))
        peer.addAllowedAddresses = [IPPrefix(host: v6), IPPrefix(host: v4)]
        return peer
    }

    private func expected(_ peer: PeerChange) -> ActualPeer {
        var actual = ActualPeer()
        actual.presharedKey = .unknown
        actual.endpoint = peer.endpoint
        actual.keepalive = 25
        actual.allowedAddresses = PrefixSet(peer.addAllowedAddresses)
        return actual
    }

    @Test("a link is made with its mark, again without harm, and deleted, again without harm")
    func lifecycle() throws {
        try sandboxed { bench in
            #expect(try bench.kernel.dump(bench.interface) == nil)
            try bench.create()
            try bench.create()
            let actual = try bench.dump()
            #expect(actual.owner == bench.owner && actual.backend == Bench.backend)
            #expect(actual.mtu == 1400 && !actual.isUp && actual.peers.isEmpty && actual.publicKey == nil)
            #expect(try bench.kernel.ownedInterfaces() == [bench.interface: bench.owner])
            #expect(try shell("ip link show wg0").contains("alias wgm:4711"))
            #expect(try shell("ip link show wg0").contains("group default"))
            try bench.apply(.deleteLink)
            try bench.apply(.deleteLink)
            #expect(try bench.kernel.dump(bench.interface) == nil)
            #expect(try bench.kernel.ownedInterfaces().isEmpty)
            #expect(try shell("ls /run/wireguard").isEmpty)
        }
    }

    @Test("`auto` takes what there is")
    func automatic() throws {
        try sandboxed { bench in
            try bench.apply(.createLink(backend: .automatic, mtu: 1420))
            #expect(try bench.dump().backend == Bench.backend)
            try bench.apply(.deleteLink)
        }
    }

    @Test("device settings are set, cleared and read back, and `wg` agrees")
    func device() throws {
        try sandboxed { bench in
            try bench.create()
            let key = try PrivateKey.generate()
            let sealed = try bench.keys.seal(key, of: bench.owner)
            try bench.apply(.setDevice(privateKey: sealed, listenPort: 51820, firewallMark: 0xca6c))
            try bench.apply(.setDevice(privateKey: nil, listenPort: nil, firewallMark: nil))
            try bench.apply(.setLink(mtu: 1380, isUp: true))
            try bench.apply(.setLink(mtu: nil, isUp: true))
            var actual = try bench.dump()
            #expect(actual.publicKey == key.publicKey && actual.listenPort == 51820 && actual.firewallMark == 0xca6c)
            #expect(actual.isUp && actual.mtu == 1380)
            #expect(actual.addresses.isEmpty, "no link-local address by itself")
            #expect(try shell("wg show wg0 public-key") == "\(key.publicKey)\n")
            #expect(try shell("wg show wg0 listen-port") == "51820\n")
            #expect(try shell("wg show wg0 fwmark") == "0xca6c\n")
            try bench.apply(.setDevice(privateKey: nil, listenPort: nil, firewallMark: 0))
            try bench.apply(.setLink(mtu: nil, isUp: false))
            actual = try bench.dump()
            #expect(actual.firewallMark == 0 && !actual.isUp && actual.publicKey == key.publicKey)
        }
    }

    @Test("two thousand peers are read back as they were set, and `wg` agrees")
    func manyPeers() throws {
        try sandboxed { bench in
            try bench.create()
            let peers = try (0..<2000).map { try peer($0, bench) }
            try bench.apply(.setPeers(peers))
            let actual = try bench.dump()
            let wanted = Dictionary(uniqueKeysWithValues: peers.map { ($0.publicKey, expected($0)) })
            #expect(actual.peers.mapValues(\.configuration) == wanted)
            let witness = try shell("wg show wg0 allowed-ips").split(separator: "\n")
            #expect(witness.count == 2000)
            for line in witness {
                let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
                let key = try #require(PublicKey(base64: fields[0]))
                #expect(
                    PrefixSet(fields.dropFirst().compactMap { IPPrefix($0) }) == actual.peers[key]?.allowedAddresses
                )
            }
            #expect(try !shell("wg show wg0 preshared-keys").contains("(none)"))
        }
    }

    @Test("one peer with a thousand addresses is read back whole")
    func manyAddresses() throws {
        try sandboxed { bench in
            try bench.create()
            var peer = try peer(1, bench)
            peer.addAllowedAddresses = (0..<3000).map {
                IPPrefix(host: IPAddress(v6: UInt128(0xfd01) << 112 | UInt128($0)))
            }
            try bench.apply(.setPeers([try self.peer(0, bench), peer, try self.peer(2, bench)]))
            let actual = try bench.dump()
            #expect(actual.peers[peer.publicKey]?.configuration == expected(peer))
            #expect(actual.peers.count == 3)
        }
    }

    @Test("a removed peer is gone, again without harm, and the others are as they were")
    func removePeer() throws {
        try sandboxed { bench in
            try bench.create()
            let peers = try (0..<3).map { try peer($0, bench) }
            try bench.apply(.setPeers(peers))
            try bench.apply(.removePeers([peers[1].publicKey]))
            try bench.apply(.removePeers([peers[1].publicKey]))
            let actual = try bench.dump().peers.mapValues(\.configuration)
            #expect(actual == [peers[0].publicKey: expected(peers[0]), peers[2].publicKey: expected(peers[2])])
        }
    }

    @Test("clearing is read back as absent, keeping as it was")
    func clearing() throws {
        try sandboxed { bench in
            try bench.create()
            let peer = try peer(1, bench)
            try bench.apply(.setPeers([peer]))
            try bench.apply(.setPeers([PeerChange(publicKey: peer.publicKey)]))
            #expect(try bench.dump().peers[peer.publicKey]?.configuration == expected(peer))
            var change = PeerChange(publicKey: peer.publicKey)
            change.presharedKey = .clear
            change.keepalive = 0
            change.replaceAllowedAddresses = true
            try bench.apply(.setPeers([change]))
            var cleared = ActualPeer()
            cleared.endpoint = peer.endpoint
            #expect(try bench.dump().peers[peer.publicKey]?.configuration == cleared)
            #expect(try shell("wg show wg0 preshared-keys").contains("(none)"))
        }
    }

    @Test("a peer that is only to be updated is not made")
    func updateOnly() throws {
        try sandboxed { bench in
            try bench.create()
            var peer = try peer(1, bench)
            peer.updateOnly = true
            try bench.apply(.setPeers([peer]))
            #expect(try bench.dump().peers.isEmpty)
        }
    }

    @Test("addresses are added and removed, again without harm, and no other address is lost")
    func addresses() throws {
        try sandboxed { bench in
            try bench.create()
            try bench.apply(.setLink(mtu: nil, isUp: true))
            let all = try ["fd00:1::1/64", "10.9.0.1/24", "10.9.0.2/24", "10.9.0.3/24"].map { try address($0) }
            try bench.apply(.addAddresses(all))
            try bench.apply(.addAddresses(all))
            #expect(try bench.dump().addresses == Set(all))
            #expect(try !shell("ip -6 address show wg0").contains("tentative"))
            try bench.apply(.removeAddresses([all[1]]))
            try bench.apply(.removeAddresses([all[1]]))
            #expect(try bench.dump().addresses == Set(all).subtracting([all[1]]))
            let longer = try address("fd00:1::1/128")
            try bench.apply(.addAddresses([longer]))
            try bench.apply(.removeAddresses([all[0]]))
            #expect(try bench.dump().addresses == [longer, all[2], all[3]])
        }
    }

    @Test("routes are added and removed, again without harm, and nobody else's is seen or touched")
    func routes() throws {
        try sandboxed { bench in
            try bench.create()
            try bench.apply(.addAddresses([try address("fd00:1::1/64"), try address("10.9.0.1/24")]))
            try bench.apply(.setLink(mtu: nil, isUp: true))
            let all = try ["fd00:1::/64", "::/0", "0.0.0.0/0", "10.9.0.0/24", "192.0.2.7/32"].map { try prefix($0) }
            _ = try shell("ip route add 198.51.100.0/24 dev wg0")
            try bench.apply(.addRoutes(all))
            try bench.apply(.addRoutes(all))
            #expect(try bench.dump().routes == Set(all))
            #expect(try shell("ip -4 route show proto 183").contains("192.0.2.7 dev wg0 scope link metric 1024"))
            try bench.apply(.removeRoutes(all + [try prefix("198.51.100.0/24")]))
            try bench.apply(.removeRoutes(all))
            #expect(try bench.dump().routes.isEmpty)
            #expect(try shell("ip -4 route show").contains("198.51.100.0/24"))
            #expect(try shell("ip -4 route show").contains("10.9.0.0/24"))
        }
    }

    @Test("networks whose on-link route somebody took away are told, until the route or the link is gone or back")
    func onLinkRoutes() throws {
        try sandboxed { bench in
            try bench.create()
            try bench.apply(.addAddresses([try address("fd00:1::1/64"), try address("10.9.0.1/24")]))
            #expect(try bench.dump().unroutedNetworks.isEmpty)
            try bench.apply(.setLink(mtu: nil, isUp: true))
            #expect(try bench.dump().unroutedNetworks.isEmpty)
            _ = try shell("ip route del 10.9.0.0/24 dev wg0 && ip -6 route del fd00:1::/64 dev wg0")
            let networks = try Set(["10.9.0.0/24", "fd00:1::/64"].map { try prefix($0) })
            #expect(try bench.dump().unroutedNetworks == networks)
            try bench.apply(.addRoutes(networks.sorted()))
            #expect(try bench.dump().unroutedNetworks == networks && bench.dump().routes == networks)
            #expect(try shell("ip route get 10.9.0.77").contains("dev wg0 src 10.9.0.1"))
            #expect(try shell("ip -6 route get fd00:1::77").contains("dev wg0"))
            // One in a table of its own, as that of a VRF, is a route.
            _ = try shell("ip route add 10.9.0.0/24 dev wg0 table 100 proto kernel scope link")
            #expect(try bench.dump().unroutedNetworks == [try prefix("fd00:1::/64")])
            _ = try shell("ip -6 route add fd00:1::/64 dev wg0 metric 5")
            #expect(try bench.dump().unroutedNetworks.isEmpty)
            try bench.apply(.setLink(mtu: nil, isUp: false))
            #expect(try bench.dump().unroutedNetworks.isEmpty)
        }
    }

    @Test("a prefix that another of our interfaces holds is refused by name")
    func routeElsewhere() throws {
        try sandboxed { bench in
            try bench.create()
            try bench.apply(.setLink(mtu: nil, isUp: true))
            _ = try shell("ip link add d0 type veth peer name d1 && ip link set d1 up && ip link set d0 up")
            _ = try shell("ip route add 192.0.2.0/24 dev d0 metric 1024")
            let route = try prefix("192.0.2.0/24")
            #expect(bench.reason(.addRoutes([route]), owner: bench.owner) == .alreadyExists)
        }
    }

    @Test(
        "a link that somebody else made is never changed or deleted",
        arguments: ["link add wg0 type veth peer name d1", "tuntap add wg0 mode tun"],
        ["", "wgm:4712", "wgm:"]
    )
    func foreignLink(_ command: String, _ alias: String) throws {
        try sandboxed { bench in
            _ = try shell("ip \(command) && ip link set wg0 alias '\(alias)'")
            let before = try shell("ip -d address show wg0")
            for change in try everyChange(bench) {
                #expect(bench.reason(change, owner: bench.owner) == .notOurs)
            }
            #expect(bench.reason(.createLink(backend: Bench.backend, mtu: 1420), owner: bench.owner) == .alreadyExists)
            #expect(try shell("ip -d address show wg0") == before)
        }
    }

    @Test("our mark on a link that is no WireGuard makes it none of ours")
    func markedStranger() throws {
        try sandboxed { bench in
            _ = try shell("ip link add wg0 type veth peer name d1 && ip link set wg0 alias wgm:4711")
            #expect(bench.reason(.deleteLink, owner: bench.owner) == .notOurs)
            let actual = try bench.dump()
            #expect(actual.owner == nil && actual.backend == .automatic && actual.peers.isEmpty)
            #expect(try bench.kernel.ownedInterfaces().isEmpty)
        }
    }

    @Test("WireGuard that somebody else made is read, and not changed")
    func foreignWireGuard() throws {
        try sandboxed { bench in
            try bench.create()
            let peer = try peer(1, bench)
            try bench.apply(.setPeers([peer]))
            _ = try shell("ip link set wg0 alias mine")
            let actual = try bench.dump()
            #expect(actual.owner == nil && actual.backend == Bench.backend)
            #expect(actual.peers[peer.publicKey]?.configuration == expected(peer))
            #expect(bench.reason(.removePeers([peer.publicKey]), owner: bench.owner) == .notOurs)
            #expect(bench.reason(.createLink(backend: Bench.backend, mtu: 1420), owner: bench.owner) == .alreadyExists)
        }
    }

    @Test("a link whose making was cut short is finished")
    func halfMade() throws {
        try sandboxed { bench in
            try bench.create()
            // As it is after the first of the two steps.
            let group = Bench.backend == .kernel ? OwnerMark.halfMadeGroup : 0
            _ = try shell("ip link set wg0 alias '' group \(group)")
            #expect(try bench.dump().owner == nil)
            try bench.create()
            #expect(try bench.dump().owner == bench.owner)
        }
    }

    @Test("a link of another interface of the database is refused, and one that is not there is told apart")
    func otherOwner() throws {
        try sandboxed { bench in
            for change in try everyChange(bench) where change != .deleteLink {
                #expect(bench.reason(change, owner: bench.owner) == .noSuchInterface)
            }
            try bench.create()
            for change in try everyChange(bench) { #expect(bench.reason(change, owner: InterfaceID(1)) == .notOurs) }
            #expect(
                bench.reason(.createLink(backend: Bench.backend, mtu: 1420), owner: InterfaceID(1)) == .alreadyExists
            )
        }
    }

    @Test("a wrong MTU is refused with the kernel's words, and leaves no link behind")
    func wrongMTU() throws {
        try sandboxed { bench in
            let change = KernelChange.createLink(backend: Bench.backend, mtu: 4_000_000_000)
            #expect(bench.reason(change, owner: bench.owner) == .invalidArgument)
            let actual = try bench.kernel.dump(bench.interface)
            #expect(actual == nil)
        }
    }

    @Test("a sealed key of another interface changes nothing")
    func foreignKey() throws {
        try sandboxed { bench in
            try bench.create()
            let key = try PrivateKey.generate()
            let foreign = try bench.keys.seal(key, of: InterfaceID(1))
            let change = KernelChange.setDevice(privateKey: foreign, listenPort: 1, firewallMark: nil)
            #expect(bench.reason(change, owner: bench.owner) == .sealed)
            var bad = try peer(2, bench)
            bad.presharedKey = .set(foreign)
            let peers = [try peer(1, bench), bad]
            #expect(bench.reason(.setPeers(peers), owner: bench.owner) == .sealed)
            #expect(try bench.dump().peers.isEmpty)
        }
    }

    @Test("a port that another program listens on is in use")
    func portInUse() throws {
        try sandboxed { bench in
            try bench.create()
            let taken = socket(AF_INET, wgm_datagram_socket, 0)
            defer { close(taken) }
            let port = try bindAnyPort(taken)
            let key = try PrivateKey.generate()
            let sealed = try bench.keys.seal(key, of: bench.owner)
            let set = bench.reason(
                .setDevice(privateKey: sealed, listenPort: port, firewallMark: nil),
                owner: bench.owner
            )
            let up = bench.reason(.setLink(mtu: nil, isUp: true), owner: bench.owner)
            #expect(set == .inUse || up == .inUse)
        }
    }

    private func bindAnyPort(_ descriptor: Int32) throws -> UInt16 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            let address = unsafe bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
            return unsafe bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0
        }
        try #require(result)
        return UInt16(bigEndian: address.sin_port)
    }

    @Test("a program that ended is no zombie")
    func noZombies() throws {
        try sandboxed { bench in
            let zombies = "ps --ppid \(getpid()) -o pid= -o stat= | grep 'Z' || true"
            let before = try shell(zombies)
            for _ in 0..<3 {
                try bench.create()
                try bench.apply(.deleteLink)
            }
            try bench.create()
            _ = try shell("ip link delete wg0; sleep 0.3")
            #expect(try bench.kernel.dump(bench.interface) == nil)
            #expect(try shell(zombies) == before)
        }
    }

    private func everyChange(_ bench: borrowing Bench) throws -> [KernelChange] {
        [
            .deleteLink, .setLink(mtu: 1300, isUp: true), .setPeers([try peer(1, bench)]),
            .setDevice(privateKey: nil, listenPort: 1, firewallMark: 1), .removePeers([try .sample(1)]),
            .addAddresses([try address("fd00::1/64")]), .removeAddresses([try address("fd00::1/64")]),
            .addRoutes([try prefix("fd00::/64")]), .removeRoutes([try prefix("fd00::/64")]),
        ]
    }
}

extension ActualPeer {
    /// Without what traffic changes: a peer with keepalive begins to shake hands at once.
    fileprivate var configuration: ActualPeer {
        var peer = self
        (peer.receivedBytes, peer.sentBytes, peer.lastHandshake) = (0, 0, nil)
        return peer
    }
}
