// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    /// A route to a part of what another interface has takes that part away from it: who makes one needs the right to change
    /// that interface too.
    ///
    /// Prefixes as wide as a default route get no route.
    func requireRightsBehind(
        _ added: some Collection<IPPrefix>,
        of interface: InterfaceName,
        _ context: CallContext
    ) throws(Refusal) {
        let added = added.filter { !$0.isWide }
        guard !added.isEmpty else { return }
        for other in view.interfaces where other.name != interface {
            let held = HeldPrefixes(of: other, peers: view.peers(of: other.name))
            guard added.contains(where: held.hold) else { continue }
            let path = "node/\(node)/interface/\(other.name)"
            try rights(context).require(.update, on: ResourcePattern(path) ?? .everything)
        }
    }
}

/// What packets are sent into an interface for.
struct HeldPrefixes {
    private var prefixes: Set<IPPrefix> = []
    private var lengths: Set<UInt8> = []

    init(of interface: InterfaceRecord, peers: some Sequence<PeerRecord>) {
        for pool in [interface.ipv6Pool, interface.ipv4Pool].compactMap(\.self) { insert(pool) }
        for address in interface.addresses { insert(address.prefix) }
        for prefix in peers.lazy.flatMap(\.routed) where !prefix.isWide { insert(prefix) }
    }

    private mutating func insert(_ prefix: IPPrefix) {
        prefixes.insert(prefix)
        lengths.insert(UInt8(prefix.length))
    }

    /// True when the prefix is one of these, or a part of one.
    func hold(_ prefix: IPPrefix) -> Bool {
        lengths.contains { length in
            guard length <= prefix.length else { return false }
            return IPPrefix(masking: prefix.address, length: Int(length)).map(prefixes.contains) ?? false
        }
    }
}
