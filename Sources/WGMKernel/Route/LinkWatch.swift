// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

/// Hears of every change of a link that carries our mark, of its addresses and of our routes.
struct LinkWatch: ~Copyable {
    /// `RTMGRP_LINK`, `…_IPV4_IFADDR`, `…_IPV4_ROUTE`, `…_IPV6_IFADDR` and `…_IPV6_ROUTE`.
    private static let groups: UInt32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
    /// Datagrams that are read at once, so that a flood of events holds up nobody.
    private static let batch = 4096
    private var listener: NetlinkListener
    private var events: LinkEvents

    /// Listens first and reads the links afterwards, so that none is missed in between.
    init(_ route: inout RouteSocket) throws(KernelFailure) {
        let listener = try NetlinkListener(bus: NETLINK_ROUTE, groups: Self.groups)
        var events = LinkEvents()
        events.know(try route.links())
        self.listener = listener
        self.events = events
    }

    var descriptor: Int32 { listener.descriptor }

    mutating func take(_ route: inout RouteSocket) -> ChangedLinks {
        hear(&route, except: nil)
        return events.take()
    }

    /// Reads what has been said; of the interface `own` it was said because of what we did ourselves.
    mutating func hear(_ route: inout RouteSocket, except own: InterfaceName?) {
        for _ in 0..<Self.batch {
            var events = events
            switch listener.next({ events.read($0, except: own) }) {
            case .nothing: return
            case .datagram: self.events = events
            case .tooMuch:
                self.events.miss()
                if let links = try? route.links() { self.events.know(links) }
                // Everything is to be looked at anyway; the rest is read the next time.
                return
            }
        }
    }
}
