// SPDX-License-Identifier: Apache-2.0

/// The payload of an END that answers `Peers/Get`, put together from parts that are kept apart because they change apart.
///
/// The fields of a message may stand in any order, so what a peer is stands in one piece, and what was seen of it behind.
package enum PeerAnswer {
    private static let okay: [UInt8] = [1 << 3, 0]

    /// Each part is a serialized message: `Peer` without its status, `PeerStatus`, `Freshness`.
    package static func end(peer: [UInt8], status: [UInt8], freshness: [UInt8]) -> [UInt8] {
        let peerCount = peer.count + prefixCount(status.count) + status.count
        let replyCount = prefixCount(peerCount) + peerCount + prefixCount(freshness.count) + freshness.count
        var end: [UInt8] = []
        end.reserveCapacity(okay.count + prefixCount(replyCount) + replyCount)
        end += okay
        append(6, replyCount, to: &end)
        append(1, peerCount, to: &end)
        end += peer
        append(12, status.count, to: &end)
        end += status
        append(2, freshness.count, to: &end)
        end += freshness
        return end
    }

    /// Tag and length; every field here has a number below 16.
    private static func append(_ field: UInt8, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(field << 3 | 2)
        var rest = count
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func prefixCount(_ count: Int) -> Int {
        var size = 2
        var rest = count >> 7
        while rest > 0 {
            size += 1
            rest >>= 7
        }
        return size
    }
}
