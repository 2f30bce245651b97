// SPDX-License-Identifier: Apache-2.0

package import WGMModel

extension KernelChange {
    /// The same change as a row of changes that fit one packet each, in an order that leads to the same end.
    package func splitToFit() -> [KernelChange] {
        switch self {
        case .createLink, .deleteLink, .setLink, .takeLink, .releaseLink, .setDevice: [self]
        case .setPeers(let peers): split(peers.flatMap { $0.splitToFit() }, size: \.encodedSize).map { .setPeers($0) }
        case .removePeers(let keys): split(keys, size: \.encodedSize).map { .removePeers($0) }
        case .addAddresses(let list): split(list, size: \.encodedSize).map { .addAddresses($0) }
        case .removeAddresses(let list): split(list, size: \.encodedSize).map { .removeAddresses($0) }
        case .addRoutes(let list): split(list, size: \.encodedSize).map { .addRoutes($0) }
        case .removeRoutes(let list): split(list, size: \.encodedSize).map { .removeRoutes($0) }
        }
    }
}

/// Leaves ample room for the header of the request, and for the fixed part of a peer.
private let listBudget = PacketLimit.packet - 1024

/// Empty lists give no element: there is nothing to do.
private func split<Element>(_ list: [Element], size: (Element) -> Int) -> [[Element]] {
    var parts: [[Element]] = []
    var room = 0
    for element in list {
        let size = size(element)
        if size > room || parts.isEmpty {
            parts.append([])
            room = listBudget
        }
        parts[parts.count - 1].append(element)
        room -= size
    }
    return parts
}

extension PeerChange {
    /// The first part carries all that is to be set, the others only more addresses for the peer that is there by then.
    fileprivate func splitToFit() -> [PeerChange] {
        let lists = split(addAllowedAddresses, size: \.encodedSize)
        guard lists.count > 1 else { return [self] }
        return lists.enumerated().map { index, list in
            var part = self
            if index > 0 {
                part = PeerChange(publicKey: publicKey)
                part.updateOnly = true
            }
            part.addAllowedAddresses = list
            return part
        }
    }

    fileprivate var encodedSize: Int {
        32 + 1 + SealedKey.byteCount + 23 + 2 + 2 + addAllowedAddresses.reduce(0) { $0 + $1.encodedSize }
    }
}

extension PublicKey {
    fileprivate var encodedSize: Int { Self.byteCount }
}

extension IPPrefix {
    fileprivate var encodedSize: Int { 2 + family.bitCount / 8 }
}

extension InterfaceAddress {
    fileprivate var encodedSize: Int { 2 + address.family.bitCount / 8 }
}
