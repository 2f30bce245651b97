// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel

/// One peer in the table of reads.
struct PeerRead {
    let hash: Int
    /// The request that asks for it.
    let message: [UInt8]
    let interface: InterfaceName
    let record: PeerRecord
    /// The path that the permission is asked for.
    let resource: String
    /// For the audit record.
    let request: String
    /// `Peer`, without status.
    let peer: [UInt8]
    /// The payload of END, as of a generation of the view.
    var end: [UInt8] = []
    var generation = UInt64.max
    /// Milliseconds.
    var observed: Int64 = 0

    /// Roughly: the table is up to twice as long as what is in it, and the answer has what was seen of the peer besides.
    var byteCount: Int {
        2 * MemoryLayout<Self>.stride + 512 + message.count + 2 * peer.count + resource.utf8.count + request.utf8.count
    }
}

/// Peers by the bytes of the requests that ask for them, while the state is that of one epoch.
struct PeerReadTable {
    var era: UInt64 = .max
    var entries: [PeerRead] = []
    /// Where entries are, by their hash; -1 is nowhere.
    ///
    /// Never more than half full.
    private var places: [Int32] = Array(repeating: -1, count: 64)
    private(set) var byteCount = 0
    /// `Freshness`, as of a generation of the view.
    var freshness: (generation: UInt64, bytes: [UInt8]) = (.max, [])

    init(era: UInt64 = .max) { self.era = era }

    func index(of message: UnsafeRawBufferPointer, _ hash: Int) -> Int? {
        var place = hash & (places.count - 1)
        while places[place] >= 0 {
            let index = Int(places[place])
            if entries[index].hash == hash, unsafe isEqual(message, entries[index].message) { return index }
            place = (place + 1) & (places.count - 1)
        }
        return nil
    }

    mutating func insert(_ entry: PeerRead) -> Int {
        entries.append(entry)
        byteCount += entry.byteCount
        if entries.count * 2 > places.count {
            places = Array(repeating: -1, count: places.count * 2)
            for index in entries.indices { place(index) }
        } else {
            place(entries.count - 1)
        }
        return entries.count - 1
    }

    private mutating func place(_ index: Int) {
        var place = entries[index].hash & (places.count - 1)
        while places[place] >= 0 { place = (place + 1) & (places.count - 1) }
        places[place] = Int32(index)
    }
}

/// The same bytes, compared without a call for each.
func isEqual(_ left: UnsafeRawBufferPointer, _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt64 = 0
    unsafe right.withUnsafeBytes { right in
        var place = 0
        while place + 8 <= left.count {
            let mine = unsafe left.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let theirs = unsafe right.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            difference |= mine ^ theirs
            place += 8
        }
        while place < left.count {
            difference |= unsafe UInt64(left[place] ^ right[place])
            place += 1
        }
    }
    return difference == 0
}
