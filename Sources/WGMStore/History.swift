// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// How each revision left what it touched.
struct History {
    let connection: Connection
    let node: String

    /// To be called once the rows are as the revision leaves them.
    func record(_ touched: Touched, revision: Int64) throws(StoreFailure) {
        let peers = touched.peers.map(\.id)
        let holders = Set(touched.peers.map(\.interface) + touched.deletedPeers.map(\.interface))
        let changed = holders.union(touched.interfaces.map(\.id))
        guard !changed.isEmpty || !touched.deletedInterfaces.isEmpty else { return }
        try connection.query(
            """
            INSERT INTO history (revision, node, interface, peer, state)
            SELECT $1, node, interface, '', state FROM interface_state WHERE id = ANY ($2)
            UNION ALL SELECT $1, node, interface, peer, state FROM peer_state WHERE id = ANY ($3)
            """,
            .int(revision),
            .array(of: .int8, touched.interfaces.map { .int($0.id.value) }),
            .ints(peers)
        )
        try recordPeersGone(touched.deletedPeers, revision: revision)
        try recordInterfacesGone(touched.deletedInterfaces, revision: revision)
        try connection.query(
            "UPDATE interface SET changed = $1 WHERE id = ANY ($2)",
            .int(revision),
            .array(of: .int8, changed.map { .int($0.value) })
        )
    }

    /// Peers of interfaces that are still there; what came back under the same name has its row already.
    private func recordPeersGone(_ peers: [PeerRecord], revision: Int64) throws(StoreFailure) {
        guard !peers.isEmpty else { return }
        try connection.query(
            """
            INSERT INTO history (revision, node, interface, peer, state)
            SELECT $1, n.name, i.name, gone.peer, NULL
            FROM unnest($2::bigint[], $3::text[]) AS gone (interface, peer)
            JOIN interface i ON i.id = gone.interface JOIN node n ON n.id = i.node
            ON CONFLICT DO NOTHING
            """,
            .int(revision),
            .array(of: .int8, peers.map { .int($0.interface.value) }),
            .texts(peers.map(\.name.value))
        )
    }

    private func recordInterfacesGone(_ names: [InterfaceName], revision: Int64) throws(StoreFailure) {
        guard !names.isEmpty else { return }
        try connection.query(
            """
            INSERT INTO history (revision, node, interface, peer, state)
            SELECT $1, $2, interface, peer, NULL FROM state_at($2, $1 - 1) WHERE interface = ANY ($3)
            ON CONFLICT DO NOTHING
            """,
            .int(revision),
            .text(node),
            .texts(names.map(\.value))
        )
    }
}
