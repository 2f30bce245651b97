// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import WGMKeys
package import WGMModel

/// The WireGuard interfaces of one network namespace: netlink, and userspace programs where the kernel has no WireGuard.
///
/// All calls block. Only links that carry our mark are ever changed. Routes can be added only while the link is up, and the kernel forgets
/// them, and IPv6 addresses, when it goes down.
package struct LinuxKernel: ~Copyable {
    package struct Options: Sendable {
        /// Absolute path of `wireguard-go`; nil when userspace is not wanted.
        package var userspaceProgram: String?
        package var userspaceSocketFolder = "/var/run/wireguard"

        package init(userspaceProgram: String? = nil) { self.userspaceProgram = userspaceProgram }
    }

    var route: RouteSocket
    var generic: GenericSocket
    var userspace: Userspace
    private var watch: LinkWatch

    /// Works in the network namespace of the calling thread.
    package init(options: Options) throws(KernelFailure) {
        var route = try RouteSocket()
        let watch = try LinkWatch(&route)
        let generic = try GenericSocket()
        self.route = route
        self.generic = generic
        self.watch = watch
        userspace = Userspace(program: options.userspaceProgram, folder: options.userspaceSocketFolder)
    }

    /// Makes sure that the kernel has WireGuard, or a userspace program is there.
    ///
    /// The kernel loads its module when it is asked.
    package mutating func requireWireGuard() throws(KernelFailure) {
        if try !generic.hasFamily() { try userspace.requireProgram() }
    }

    /// Makes one change, which may be made already.
    ///
    /// What the kernel says of the interface meanwhile counts as said of this change: whoever makes changes reads back.
    package mutating func apply(
        _ change: KernelChange,
        to name: InterfaceName,
        owner: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        userspace.reap()
        defer { watch.hear(&route, except: name) }
        try make(change, to: name, owner: owner, keys: keys)
    }

    /// Can be read when `takeEvents` may have something to tell.
    package var eventDescriptor: Int32? { watch.descriptor }

    /// The interfaces of ours of which something changed since the last time, other than by `apply`.
    package mutating func takeEvents() -> ChangedLinks { watch.take(&route) }

    private mutating func make(
        _ change: KernelChange,
        to name: InterfaceName,
        owner: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        switch change {
        case .createLink(let backend, let mtu): try create(name, owner: owner, backend, mtu: mtu)
        case .takeLink(let key): try take(name, owner: owner, holding: key)
        case .releaseLink: try release(name, owner: owner)
        case .deleteLink: try delete(name, owner: owner)
        case .setLink(let mtu, let isUp):
            let link = try owned(name, owner).link
            if let mtu { try route.set(link, mtu: mtu) }
            if let isUp { try route.set(link, isUp: isUp) }
        case .setDevice(let privateKey, let listenPort, let mark):
            let device = DeviceChange(privateKey: privateKey, listenPort: listenPort, firewallMark: mark)
            try set(device, on: try owned(name, owner), keys)
        case .setPeers(let peers):
            let link = try owned(name, owner)
            try keys.check(peers, of: link)
            try set(peers.map { .change($0) }, on: link, keys)
        case .removePeers(let peers): try set(peers.map { .removal($0) }, on: try owned(name, owner), keys)
        case .addAddresses(let addresses):
            let link = try owned(name, owner).link
            for address in addresses { try route.add(address, to: link) }
        case .removeAddresses(let addresses): try route.remove(addresses, from: try owned(name, owner).link)
        case .addRoutes(let prefixes): try route.add(prefixes, to: try owned(name, owner).link)
        case .removeRoutes(let prefixes): try route.remove(prefixes, from: try owned(name, owner).link)
        }
    }

    /// What is there under that name; nil when there is no such link.
    ///
    /// A link that is no WireGuard at all has the backend `automatic`, no owner and no peers.
    /// Without `marking` a preshared key's mark is `unknown`.
    package mutating func dump(
        _ name: InterfaceName,
        marking: KeyMarker? = nil
    ) throws(KernelFailure) -> ActualInterface? {
        userspace.reap()
        guard let link = try route.link(name) else { return nil }
        var actual: ActualInterface?
        // The link may vanish between two reads.
        _ = try KernelFailure.unless(ENODEV) { () throws(KernelFailure) in actual = try read(link, name, marking) }
        return actual
    }

    /// The links that carry our mark.
    package mutating func ownedInterfaces() throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        var owned: [InterfaceName: InterfaceID] = [:]
        for link in try route.links() {
            if let owner = link.owner, let name = InterfaceName(link.name) { owned[name] = owner }
        }
        return owned
    }
}

extension LinuxKernel {
    private mutating func owned(_ name: InterfaceName, _ owner: InterfaceID) throws(KernelFailure) -> OwnedLink {
        guard let link = try route.link(name) else {
            throw KernelFailure(.noSuchInterface, errno: ENODEV, "there is no interface \(name)")
        }
        return try OwnedLink(link, owner: owner)
    }

    private mutating func set(
        _ device: DeviceChange,
        on link: OwnedLink,
        _ keys: borrowing SealingKey
    ) throws(KernelFailure) {
        switch link.link.backend {
        case .kernel: try generic.set(device, on: link, keys: keys)
        case .userspace, .automatic: try userspace.set(device, on: link, keys: keys)
        }
    }

    private mutating func set(
        _ peers: [PeerRequest],
        on link: OwnedLink,
        _ keys: borrowing SealingKey
    ) throws(KernelFailure) {
        guard !peers.isEmpty else { return }
        switch link.link.backend {
        case .kernel: try generic.set(peers, on: link, keys: keys)
        case .userspace, .automatic: try userspace.set(peers, on: link, keys: keys)
        }
    }

    private mutating func read(
        _ link: Link,
        _ name: InterfaceName,
        _ marking: KeyMarker?
    ) throws(KernelFailure) -> ActualInterface {
        var actual = ActualInterface(name: name, owner: link.owner, backend: link.backend)
        actual.isUp = link.isUp
        actual.mtu = link.mtu
        actual.addresses = try route.addresses(of: link)
        let routes = try route.routes(of: link, actual.addresses)
        actual.routes = routes.ours
        if link.isUp { actual.unroutedNetworks = try route.unrouted(of: link, routes) }
        guard let device = try device(link, marking) else {
            actual.backend = .automatic
            return actual
        }
        actual.publicKey = device.publicKey
        actual.listenPort = device.listenPort
        actual.firewallMark = device.firewallMark
        actual.peers = device.peers
        return actual
    }

    /// nil for a link that is no WireGuard, such as another program's tunnel.
    private mutating func device(_ link: Link, _ marking: KeyMarker?) throws(KernelFailure) -> DeviceDump? {
        switch link.backend {
        case .automatic: return nil
        case .kernel: return try generic.device(link, marking)
        case .userspace:
            guard link.owner == nil else { return try userspace.device(link, marking) }
            return try? userspace.device(link, marking)
        }
    }
}
