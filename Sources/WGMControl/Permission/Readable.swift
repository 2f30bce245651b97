// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What a caller may read, object by object.
struct Readable {
    let node: ObjectName
    let rights: Rights

    func interface(_ name: String) -> Bool { allows("interface/\(name)") }
    func peer(_ peer: String, of interface: String) -> Bool { allows("interface/\(interface)/peer/\(peer)") }

    /// Whatever its peers are, and will be.
    func everyPeer(of interface: String) -> Bool { allows("interface/\(interface)/peer/*") }

    /// True when there may be something to read at all.
    func anything(of interface: String?) -> Bool {
        guard let wanted = ResourcePattern("node/\(node)/interface/\(interface ?? "*")"),
            let below = ResourcePattern("node/\(node)/interface/\(interface ?? "*")/**")
        else { return false }
        return rights.grants.contains { grant in
            grant.includes(.get)
                && (grant.resource.intersection(wanted) != nil || grant.resource.intersection(below) != nil)
        }
    }

    private func allows(_ path: String) -> Bool {
        ResourcePattern("node/\(node)/\(path)").map { rights.allow(.get, on: $0) } ?? false
    }

    /// The change as far as it may be read; nil when nothing of it may.
    ///
    /// Words about the whole are for those who may read the whole.
    func part(of change: RevisionChange, interface: InterfaceName?) -> RevisionChange? {
        var part = change
        if let interface { part.objects.removeAll { $0.interface != interface.value } }
        var everyPeer: [String: Bool] = [:]
        let wanted = part.objects.count
        part.objects.removeAll { object in
            guard let peer = object.peer else { return !self.interface(object.interface) }
            let all = everyPeer[object.interface] ?? self.everyPeer(of: object.interface)
            everyPeer[object.interface] = all
            return !all && !self.peer(peer, of: object.interface)
        }
        guard !part.objects.isEmpty || (change.isTruncated && rights.allow(.get, on: .everything)) else { return nil }
        let seesAll = part.objects.count == wanted && (!change.isTruncated || self.everyPeer(of: "*"))
        // With a filter for one interface the words may still be about another.
        let others = Set(change.objects.map(\.interface)).subtracting([interface?.value ?? ""])
        let mayReadOthers = interface == nil || others.allSatisfy { self.everyPeer(of: $0) && self.interface($0) }
        if !seesAll || !mayReadOthers {
            part.record.summary = ""
            part.record.reason = ""
        }
        return part
    }

    func part(of drift: Drift, on interface: InterfaceName) -> Drift? {
        guard self.interface(interface.value) else { return nil }
        guard !everyPeer(of: interface.value) else { return drift }
        var part = drift
        part.items.removeAll { item in
            item.peer.map { !peer($0, of: interface.value) } ?? false
        }
        return part.items.isEmpty ? nil : part
    }
}
