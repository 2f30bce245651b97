// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
package import WGMModel

/// What rtnetlink's multicast messages say about our links, without any I/O.
package struct LinkEvents {
    /// The links that carry our mark, by index.
    private var owned: [Int32: InterfaceName] = [:]
    private var changed = ChangedLinks()

    package init() {}

    /// Replaces what is known by a full list of links.
    mutating func know(_ links: [Link]) {
        owned = [:]
        for link in links where link.owner != nil { owned[link.index] = InterfaceName(link.name) }
    }

    /// Something was not heard, or not understood.
    package mutating func miss() { changed = .everything }

    /// What changed since the last time this was asked.
    package mutating func take() -> ChangedLinks {
        defer { changed = ChangedLinks() }
        return changed
    }

    /// Reads one datagram; what it says about the interface `own` is our own doing.
    package mutating func read(_ datagram: RawSpan, except own: InterfaceName? = nil) {
        do throws(KernelFailure) {
            try datagram.forEachMessage { (header, payload) throws(KernelFailure) in
                for name in try names(header.nlmsg_type, payload) where name != own { changed.insert(name) }
            }
        } catch {
            miss()
        }
    }

    private mutating func names(_ type: UInt16, _ payload: RawSpan) throws(KernelFailure) -> [InterfaceName] {
        switch Int(type) {
        case RTM_NEWLINK: try renamed(payload)
        case RTM_DELLINK: try deleted(payload)
        case RTM_NEWADDR, RTM_DELADDR: try holder(of: payload)
        case RTM_NEWROUTE, RTM_DELROUTE: try output(of: payload)
        default: []
        }
    }

    /// The link's name, and the one it had before.
    private mutating func renamed(_ payload: RawSpan) throws(KernelFailure) -> [InterfaceName] {
        // A bridge says the same in a shorter form, which shows no mark.
        guard let fixed = payload.load(ifinfomsg.self) else { throw .malformed }
        guard fixed.ifi_family == UInt8(AF_UNSPEC) else { return [] }
        let link = try Link(payload)
        let before = owned[link.index]
        let now = link.owner == nil ? nil : InterfaceName(link.name)
        owned[link.index] = now
        return Set([before, now].compactMap(\.self)).sorted()
    }

    private mutating func deleted(_ payload: RawSpan) throws(KernelFailure) -> [InterfaceName] {
        guard let fixed = payload.load(ifinfomsg.self) else { throw .malformed }
        guard fixed.ifi_family == UInt8(AF_UNSPEC) else { return [] }
        return [owned.removeValue(forKey: fixed.ifi_index)].compactMap(\.self)
    }

    private func holder(of payload: RawSpan) throws(KernelFailure) -> [InterfaceName] {
        guard let fixed = payload.load(ifaddrmsg.self) else { throw .malformed }
        return [owned[Int32(bitPattern: fixed.ifa_index)]].compactMap(\.self)
    }

    /// Only of a route that wgm or the kernel makes: no other is read as ours.
    private func output(of payload: RawSpan) throws(KernelFailure) -> [InterfaceName] {
        guard let fixed = payload.load(rtmsg.self) else { throw .malformed }
        guard fixed.rtm_protocol == NetlinkLimit.routeProtocol || fixed.rtm_protocol == RTPROT_KERNEL else { return [] }
        var names: [InterfaceName] = []
        try payload.forEachAttribute(from: MemoryLayout<rtmsg>.size) { (type, value) throws(KernelFailure) in
            guard type == RTA_OIF.type, let name = owned[try value.value(Int32.self)] else { return }
            names.append(name)
        }
        return names
    }
}
