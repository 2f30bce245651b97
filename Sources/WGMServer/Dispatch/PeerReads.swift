// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMControl
internal import WGMModel
internal import WGMWire

/// What `Peers/Get` answers, peer by peer, found by the bytes of its request.
///
/// An entry is made when its peer is first asked for. What the peer is stands in it until the state changes; what was seen
/// of it is put beside that anew whenever anything has changed. Who may read it is not known here.
final class PeerReads: Sendable {
    /// Bytes of all entries; peers beyond are read like everything else.
    static let mostBytes = 8 * 1024 * 1024
    static let method = V1.Peers.get
    private static let longestRequest = 128

    struct Found {
        /// Of the entry, while the state is that of `era`.
        var index: Int
        var era: UInt64
        /// The payload of END.
        var end: [UInt8]
    }

    let gateway: Gateway
    private let table = Mutex(PeerReadTable())

    init(gateway: Gateway) { self.gateway = gateway }

    /// The answer to a request; nil when there is none that could be given without asking anybody.
    func find(_ message: UnsafeRawBufferPointer, at time: Timestamp) -> Found? {
        let era = gateway.view.stateEpoch
        let generation = gateway.view.generation
        let hash = unsafe Self.hash(message)
        return table.withLock { table -> Found? in
            if table.era != era { table = PeerReadTable(era: era) }
            guard let index = unsafe table.index(of: message, hash) ?? add(message, hash, &table) else { return nil }
            if table.entries[index].generation != generation {
                guard renew(index, generation, &table) else { return nil }
            }
            let age = time.milliseconds - table.entries[index].observed
            guard (0..<Gateway.observationLasts).contains(age) else { return nil }
            return Found(index: index, era: era, end: table.entries[index].end)
        }
    }

    /// What was found, as the permission and the audit record name it; nil when the state has changed since.
    func names(of found: Found) -> (resource: String, request: String)? {
        table.withLock { table in
            guard table.era == found.era, found.index < table.entries.count else { return nil }
            return (table.entries[found.index].resource, table.entries[found.index].request)
        }
    }

    /// How many bytes are kept, roughly.
    var byteCount: Int { table.withLock { $0.byteCount } }

    /// Only the request that we would write ourselves is kept, so that a peer has one entry.
    private func add(_ message: UnsafeRawBufferPointer, _ hash: Int, _ table: inout PeerReadTable) -> Int? {
        guard message.count <= Self.longestRequest, table.byteCount < Self.mostBytes,
            let request = unsafe try? V1.GetPeerRequest(serialized: message),
            unsafe request.serialized().elementsEqual(message),
            let interface = request.interface.flatMap({ InterfaceName($0) }),
            let name = request.name.flatMap({ ObjectName($0) }),
            let record = gateway.view.peer(name, of: interface),
            let resource = request.resources(node: gateway.node.value).first
        else { return nil }
        var peer = V1.Peer(gateway.view.report(record, of: interface))
        peer.status = nil
        let entry = unsafe PeerRead(
            hash: hash,
            message: Array(message),
            interface: interface,
            record: record,
            resource: resource,
            // Both fields stand in the record as they are.
            request: request.auditJSON { _ in "" },
            peer: peer.serialized()
        )
        return table.insert(entry)
    }

    private func renew(_ index: Int, _ generation: UInt64, _ table: inout PeerReadTable) -> Bool {
        let entry = table.entries[index]
        let report = gateway.view.report(entry.record, of: entry.interface)
        guard let observed = report.observed else { return false }
        if table.freshness.generation != generation {
            table.freshness = (generation, V1.Freshness(gateway.view.freshness).serialized())
        }
        table.entries[index].end = PeerAnswer.end(
            peer: entry.peer,
            status: V1.PeerStatus(report, observed: observed).serialized(),
            freshness: table.freshness.bytes
        )
        table.entries[index].generation = generation
        table.entries[index].observed = observed.milliseconds
        return true
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        unsafe hasher.combine(bytes: bytes)
        return hasher.finalize()
    }
}
