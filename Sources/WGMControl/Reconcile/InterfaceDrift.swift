// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// The difference between what an interface is to be and what it is, attribute by attribute, for people.
///
/// Not empty exactly when `InterfacePlan` is not.
struct InterfaceDrift {
    private(set) var items: [DriftItem] = []

    init(interface: InterfaceRecord, peers: [PeerRecord], actual: ActualInterface?) {
        guard let actual else {
            add("link", "present", "absent")
            return
        }
        let wanted = WantedInterface(interface, peers, actual)
        compareDevice(interface, actual)
        comparePrefixes(interface, wanted, actual)
        let names = Dictionary(peers.map { ($0.publicKey, $0.name) }) { first, _ in first }
        let wantedPeers = wanted.peersByKey
        for key in Set(wantedPeers.keys).union(actual.peers.keys).sorted() {
            compare(wantedPeers[key], actual.peers[key], names[key]?.value ?? key.description)
        }
    }

    private mutating func add(_ attribute: String, of peer: String? = nil, _ wanted: String, _ found: String) {
        guard wanted != found else { return }
        items.append(DriftItem(attribute, of: peer, wanted: wanted, found: found))
    }

    private mutating func compareDevice(_ interface: InterfaceRecord, _ actual: ActualInterface) {
        add("state", interface.isUp ? "up" : "down", actual.isUp ? "up" : "down")
        add("mtu", "\(interface.mtu)", "\(actual.mtu)")
        add("public_key", interface.publicKey.description, actual.publicKey?.description ?? "none")
        add("listen_port", "\(interface.listenPort)", "\(actual.listenPort)")
        add("firewall_mark", "\(interface.firewallMark)", "\(actual.firewallMark)")
    }

    /// A link that is down has lost routes and IPv6 addresses with that; they are not told apart.
    private mutating func comparePrefixes(
        _ interface: InterfaceRecord,
        _ wanted: WantedInterface,
        _ actual: ActualInterface
    ) {
        for address in actual.addresses.subtracting(wanted.addresses).sorted() where !address.address.isLinkLocal {
            add("address \(address)", "absent", "present")
        }
        let isGoingDown = actual.isUp && !interface.isUp
        if !isGoingDown {
            for route in actual.routes.subtracting(wanted.routes).sorted() {
                add("route \(route)", "absent", "present")
            }
        }
        guard interface.isUp, actual.isUp else { return }
        for address in wanted.addresses.subtracting(actual.addresses).sorted() {
            add("address \(address)", "present", "absent")
        }
        for route in wanted.routes.subtracting(actual.routes).sorted() { add("route \(route)", "present", "absent") }
    }

    private mutating func compare(_ wanted: PeerRecord?, _ actual: ActualPeer?, _ name: String) {
        guard let wanted, let actual else {
            return add(
                "peer",
                of: name,
                words(wanted?.allowedAddresses),
                words(actual.map { Array($0.allowedAddresses) })
            )
        }
        if !actual.holds(wanted.presharedKey) {
            add("preshared_key", of: name, word(wanted.presharedKey?.mark), word(actual.presharedKey))
        }
        if actual.endpoint == nil, let endpoint = wanted.endpoint?.address {
            add("endpoint", of: name, endpoint.description, "none")
        }
        add("keepalive_s", of: name, "\(wanted.keepalive)", "\(actual.keepalive)")
        add("allowed_addresses", of: name, list(wanted.allowedAddresses), list(Array(actual.allowedAddresses)))
    }

    private func word(_ mark: KeyMark?) -> String { mark.map { "set (\($0))" } ?? "none" }

    private func words(_ prefixes: [IPPrefix]?) -> String {
        prefixes.map { "present with \(list($0))" } ?? "absent"
    }

    private func list(_ prefixes: [IPPrefix]) -> String {
        prefixes.isEmpty ? "none" : Set(prefixes).sorted().map(\.description).joined(separator: " ")
    }
}
