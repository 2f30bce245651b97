// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMModel

extension LinuxKernel {
    mutating func create(
        _ name: InterfaceName,
        owner: InterfaceID,
        _ backend: Backend,
        mtu: UInt32
    ) throws(KernelFailure) {
        if let link = try route.link(name) {
            if link.owner == owner { return }
            guard link.isHalfMade || userspace.isHalfMade(link) else {
                throw KernelFailure(.alreadyExists, errno: EEXIST, "there is an interface \(name) that is not ours")
            }
            return try finish(link, owner: owner, mtu: mtu)
        }
        switch backend {
        case .kernel: try createInKernel(name, owner: owner, mtu: mtu)
        case .userspace: try createInUserspace(name, owner: owner, mtu: mtu)
        case .automatic:
            do throws(KernelFailure) {
                try createInKernel(name, owner: owner, mtu: mtu)
            } catch  where error.reason == .noWireGuard {
                try createInUserspace(name, owner: owner, mtu: mtu)
            }
        }
    }

    private mutating func createInKernel(
        _ name: InterfaceName,
        owner: InterfaceID,
        mtu: UInt32
    ) throws(KernelFailure) {
        try route.createWireGuard(name, mtu: mtu)
        guard let link = try route.link(name), link.isHalfMade else {
            throw KernelFailure(.noSuchInterface, errno: ENODEV, "the interface \(name) vanished while it was made")
        }
        try finish(link, owner: owner, mtu: mtu)
    }

    private mutating func createInUserspace(
        _ name: InterfaceName,
        owner: InterfaceID,
        mtu: UInt32
    ) throws(KernelFailure) {
        let link = try userspace.start(name) { () throws(KernelFailure) in try route.link(name) }
        try finish(link, owner: owner, mtu: mtu)
    }

    /// What remains to be done with a new link; one that cannot be marked is not left behind.
    private mutating func finish(_ link: Link, owner: InterfaceID, mtu: UInt32) throws(KernelFailure) {
        do throws(KernelFailure) {
            if link.backend == .userspace { try route.withoutLinkLocalAddress(link) }
            if link.mtu != mtu { try route.set(link, mtu: mtu) }
            try route.mark(link, owner: owner)
        } catch {
            try? route.delete(link)
            throw error
        }
    }

    mutating func delete(_ name: InterfaceName, owner: InterfaceID) throws(KernelFailure) {
        guard let link = try route.link(name) else { return }
        let owned = try OwnedLink(link, owner: owner)
        try route.delete(owned.link)
        if link.backend == .userspace { try userspace.waitForEnd(of: name) }
    }
}
