// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension ChangeWriter {
    /// Takes an interface in with everything that it had: no address is given out.
    func importInterface(_ new: ImportedInterface) throws(StoreFailure) -> Touched {
        _ = try insertInterface(new.interface)
        try connection.query(
            """
            INSERT INTO allocation (interface, prefix, routed, on_link)
            SELECT $1, prefix, false, on_link
            FROM unnest($2::cidr[], $3::bigint[]) WITH ORDINALITY AS new (prefix, on_link, place) ORDER BY place
            """,
            .int(new.interface.id.value),
            .prefixes(new.addresses.map { IPPrefix(host: $0.address) }),
            .ints(new.addresses.map { Int64($0.length) })
        )
        let interface = try lockedInterface(new.interface.name)
        if new.takesLink {
            try connection.query(
                "UPDATE interface SET link_taken = revision WHERE id = $1",
                .int(new.interface.id.value)
            )
        }
        if !new.peers.isEmpty {
            try PeerConflicts(connection: connection, interface: interface).checkWithin(new.peers)
            let ids = try insert(new.peers, into: interface)
            try insertWantedPrefixes(of: new.peers, ids: ids, into: interface)
        }
        var touched = Touched()
        touched.interfaces = try reader.interfaces([interface.id])
        touched.peers = try reader.peers(of: [interface.id])
        return touched
    }
}
