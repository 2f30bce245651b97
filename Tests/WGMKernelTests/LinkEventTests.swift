// SPDX-License-Identifier: Apache-2.0

import CMnl
import Glibc
import Testing
import WGMKeys
import WGMModel

@testable import WGMKernel

@Suite("Events of links", .serialized, .timeLimit(.minutes(5)))
struct LinkEventTests {
    private func changed(_ names: String...) throws -> ChangedLinks {
        var changed = ChangedLinks()
        for text in names { changed.insert(try name(text)) }
        return changed
    }

    @Test("what somebody else does to an interface of ours is heard, what we do and what others have is not")
    func heard() throws {
        try Sandbox.run {
            var bench = try RealInterfaceTests.Bench()
            try bench.create()
            let address = try address("10.9.0.1/24")
            try bench.apply(.setLink(mtu: nil, isUp: true))
            try bench.apply(.addAddresses([address]))
            try bench.apply(.addRoutes([try prefix("10.8.0.0/16")]))
            // What the kernel does later by itself, such as with IPv6, is done by then.
            sleep(2)
            _ = bench.kernel.takeEvents()
            try bench.apply(.setLink(mtu: 1390, isUp: nil))
            try bench.apply(.removeAddresses([address]))
            try bench.apply(.addAddresses([address]))
            // The kernel took it away with the last address.
            try bench.apply(.addRoutes([try prefix("10.8.0.0/16")]))
            #expect(bench.kernel.takeEvents().isEmpty, "our own changes")
            _ = try shell(
                "ip link add other type veth peer name more && ip link set other up"
            )
            _ = try shell("ip addr add 10.7.0.1/24 dev other && ip route add 10.6.0.0/16 dev other")
            #expect(bench.kernel.takeEvents().isEmpty, "another link")
            for command in [
                "ip link set wg0 mtu 1300", "ip route del 10.8.0.0/16 dev wg0", "ip addr del 10.9.0.1/24 dev wg0",
                "ip link set wg0 down", "ip addr add 10.9.0.1/24 dev wg0", "ip link set wg0 up", "ip link del wg0",
            ] {
                _ = try shell(command)
                #expect(bench.kernel.takeEvents() == (try changed("wg0")), "\(command)")
            }
        }
    }

    @Test("a flood that does not fit is every interface, and afterwards the links are known as before")
    func flood() throws {
        try Sandbox.run {
            var bench = try RealInterfaceTests.Bench()
            try bench.create()
            _ = try shell("ip link add other type veth peer name more && ip link set other up")
            let routes = "for i in $(seq 20000); do echo route add 10.$((i / 250)).$((i % 250)).0/24 dev other; done"
            _ = try shell("\(routes) | ip -b -")
            #expect(bench.kernel.takeEvents() == .everything)
            // What was still in the socket.
            while !bench.kernel.takeEvents().isEmpty {}
            _ = try shell("ip link set wg0 mtu 1300")
            #expect(bench.kernel.takeEvents() == (try changed("wg0")))
        }
    }

    @Test("bytes that are no events are every interface, or nothing, and never crash")
    func malformed() throws {
        var events = LinkEvents()
        let cut = [UInt8].message(type: UInt16(RTM_NEWADDR), [1, 2])
        cut.withSpan { events.read($0) }
        #expect(events.take() == .everything)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let type =
                [RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELROUTE].randomElement(using: &random) ?? RTM_NEWLINK
            let payload = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...24, using: &random)
            }
            [UInt8].message(type: UInt16(type), payload).withSpan { events.read($0) }
        }
    }
}
