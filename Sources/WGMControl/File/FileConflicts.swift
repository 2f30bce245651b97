// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What a file would have contradict itself, or what is there already.
struct FileConflicts {
    private(set) var problems: [FileProblem] = []
    private let plan: FilePlan
    private let objects: [FileObject]
    /// Interfaces as they would be.
    private let interfaces: [InterfaceName: CheckedInterface]
    /// What the caller may be told of who did not name it; nil for everything.
    private let readable: Readable?
    /// Of each list that something was complained about: where it has which prefix.
    private var places: [FileProblem.Place: [String: Int]] = [:]

    init(_ plan: FilePlan, _ objects: [FileObject], _ readable: Readable?) {
        self.plan = plan
        self.readable = readable
        self.objects = objects
        let deleted = Set(plan.deletedInterfaces.map(\.name))
        var interfaces = plan.state.interfaces.filter { !deleted.contains($0.key) }.mapValues { CheckedInterface($0) }
        for (name, planned) in plan.interfaces { interfaces[name] = planned.draft }
        self.interfaces = interfaces
        checkPorts()
        checkPools()
        for name in plan.peers.keys.sorted() { checkPeers(of: name) }
    }

    private func mayName(_ interface: InterfaceName) -> Bool { readable?.interface(interface.value) ?? true }
    private func mayName(_ peer: ObjectName, of interface: InterfaceName) -> Bool {
        readable?.peer(peer.value, of: interface.value) ?? true
    }

    private func words(_ interface: InterfaceName) -> String {
        mayName(interface) ? "interface \(interface)" : "another interface"
    }

    private func words(_ peer: ObjectName, of interface: InterfaceName) -> String {
        mayName(peer, of: interface) ? "the peer \(peer)" : "another peer"
    }

    private mutating func refuse(_ place: Int, _ attribute: String, value: String? = nil, _ rule: String) {
        let attributes = objects[place].attributes
        let index = attributes.firstIndex { $0.name == attribute }
        // As it is written there, which need not be as we would write it.
        let found = value.flatMap { value in
            index.flatMap { position(of: value, in: .init(object: place, attribute: $0)) }
        }
        let words = index == nil ? "\(attribute): \(rule)" : rule
        problems.append(FileProblem(.init(object: place, attribute: index, value: found), words))
    }

    private mutating func position(of prefix: String, in list: FileProblem.Place) -> Int? {
        guard let attribute = list.attribute else { return nil }
        if places[list] == nil {
            let values = objects[list.object].attributes[attribute].values.enumerated()
            let prefixes = values.compactMap { value in IPPrefix(value.element).map { ($0.description, value.offset) } }
            places[list] = Dictionary(prefixes) { first, _ in first }
        }
        return places[list]?[prefix]
    }

    // MARK: Interfaces

    private mutating func checkPorts() {
        var owners: [UInt16: InterfaceName] = [:]
        // Those that the file does not name come first, so that the complaint is about what it does name.
        for name in interfaces.keys.sorted(by: order) {
            guard let port = interfaces[name]?.listenPort else { continue }
            if let owner = owners[port], let planned = plan.interfaces[name] {
                refuse(planned.place, "listen_port", "\(port) is the port of \(words(owner))")
            }
            owners[port] = name
        }
    }

    private func order(_ left: InterfaceName, _ right: InterfaceName) -> Bool {
        let (isLeft, isRight) = (plan.interfaces[left] != nil, plan.interfaces[right] != nil)
        return isLeft == isRight ? left < right : isRight
    }

    private mutating func checkPools() {
        var taken: [(pool: IPPrefix, owner: InterfaceName)] = []
        for name in interfaces.keys.sorted(by: order) {
            guard let interface = interfaces[name] else { continue }
            for (field, pool) in [("ipv6_pool", interface.ipv6Pool), ("ipv4_pool", interface.ipv4Pool)] {
                guard let pool else { continue }
                if let other = taken.first(where: { $0.pool.overlaps(pool) }), let planned = plan.interfaces[name],
                    planned.record == nil
                {
                    let what =
                        mayName(other.owner)
                        ? "\(other.pool) of interface \(other.owner)" : "that of another interface"
                    refuse(planned.place, field, "\(pool) overlaps \(what)")
                }
                taken.append((pool, name))
            }
        }
    }

    // MARK: Peers

    /// A prefix that somebody would have; `place` where the file says so.
    private struct Held {
        var prefix: IPPrefix
        var peer: ObjectName
        var isRouted: Bool
        var place: Int?
    }

    private mutating func checkPeers(of name: InterfaceName) {
        guard let planned = plan.peers[name], let interface = interfaces[name] else { return }
        let record = plan.state.interfaces[name]
        var held: [Held] = []
        var keys: [PublicKey: ObjectName] = [:]
        let gone = Set((plan.deletedPeers[name] ?? []).map(\.name))
        for peer in record.flatMap({ plan.state.peers[$0.id] })?.values ?? [:].values
        where planned[peer.name] == nil && !gone.contains(peer.name) {
            keys[peer.publicKey] = peer.name
            held += peer.addresses.map { Held(prefix: IPPrefix(host: $0), peer: peer.name, isRouted: false) }
            held += peer.routed.map { Held(prefix: $0, peer: peer.name, isRouted: true) }
        }
        for (peer, entry) in planned.sorted(by: { $0.value.place < $1.value.place }) {
            check(peer, entry, of: name, interface, record, &keys)
            let own = entry.draft.addresses ?? []
            held += own.map { Held(prefix: IPPrefix(host: $0), peer: peer, isRouted: false, place: entry.place) }
            held += entry.draft.routed.map { Held(prefix: $0, peer: peer, isRouted: true, place: entry.place) }
        }
        checkOverlaps(held, name)
        checkGateway(held, name, record?.addresses.map(\.address) ?? interface.firstAddresses)
    }

    private mutating func check(
        _ peer: ObjectName,
        _ entry: FilePlan.Planned<PeerDraft, PeerRecord>,
        of name: InterfaceName,
        _ interface: CheckedInterface,
        _ record: InterfaceRecord?,
        _ keys: inout [PublicKey: ObjectName]
    ) {
        if let key = entry.draft.publicKey {
            if let owner = keys.updateValue(peer, forKey: key) {
                refuse(entry.place, "public_key", "is the key of \(words(owner, of: name)) too")
            }
            if key == record?.publicKey { refuse(entry.place, "public_key", "is the key of \(name) itself") }
        }
        let present = Set(entry.record?.addresses ?? [])
        for address in entry.draft.addresses ?? [] where !present.contains(address) {
            if let rule = poolFault(address, interface) {
                refuse(entry.place, "addresses", value: IPPrefix(host: address).description, rule)
            }
        }
    }

    private func poolFault(_ address: IPAddress, _ interface: CheckedInterface) -> String? {
        let pools = [interface.ipv6Pool, interface.ipv4Pool].compactMap(\.self)
        guard let pool = pools.first(where: { $0.contains(address) }) else {
            return interface.ipv6Pool == nil && address.family == .v6
                ? "the gateway gives out the ipv6_pool of \(interface.name), so that this is not in it; say ipv6_pool too"
                : "\(address) lies outside the pools of \(interface.name)"
        }
        if address == pool.address { return "\(address) is the address of the network \(pool) itself" }
        let last = pool.address.bits + ((UInt128(1) << (pool.family.bitCount - Int(pool.length))) - 1)
        return pool.family == .v4 && address.bits == last ? "\(address) is for broadcasts in \(pool)" : nil
    }

    /// Two prefixes are apart, or one holds the other; so in sorted order those that hold the present one form a stack.
    private mutating func checkOverlaps(_ held: [Held], _ name: InterfaceName) {
        var holding: [Held] = []
        for next in held.sorted(by: { $0.prefix < $1.prefix }) {
            while let last = holding.last, !last.prefix.overlaps(next.prefix) { holding.removeLast() }
            if let other = holding.first(where: { $0.peer != next.peer }) {
                // Said of the later of those that the file names.
                let isNext = (next.place ?? -1) >= (other.place ?? -1)
                let (bad, good) = isNext ? (next, other) : (other, next)
                let rule =
                    !mayName(good.peer, of: name)
                    ? "\(bad.prefix) overlaps what another peer has"
                    : bad.prefix == good.prefix
                        ? "\(bad.prefix) is the peer \(good.peer)'s"
                        : "\(bad.prefix) overlaps \(good.prefix) of the peer \(good.peer)"
                if let place = bad.place {
                    let field = bad.isRouted ? "allowed_addresses" : "addresses"
                    refuse(place, field, value: bad.prefix.description, rule)
                }
            }
            holding.append(next)
        }
    }

    /// The gateway's own address may lie in a default route, which every more specific prefix overrules, and nowhere else.
    private mutating func checkGateway(_ held: [Held], _ name: InterfaceName, _ own: [IPAddress]) {
        for entry in held {
            guard let place = entry.place, entry.prefix.length > 0 else { continue }
            guard let address = own.first(where: { entry.prefix.contains($0) }) else { continue }
            let field = entry.isRouted ? "allowed_addresses" : "addresses"
            refuse(place, field, value: entry.prefix.description, "\(address) is the address of \(name) itself")
        }
    }
}

extension CheckedInterface {
    /// What the gateway takes for itself of the pools that were named: the first host address of each.
    fileprivate var firstAddresses: [IPAddress] {
        [ipv6Pool, ipv4Pool].compactMap(\.self).map { pool in
            pool.family == .v6
                ? IPAddress(v6: pool.address.bits + 1)
                : IPAddress(v4: UInt32(truncatingIfNeeded: pool.address.bits + 1))
        }
    }
}
