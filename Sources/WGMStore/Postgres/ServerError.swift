// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// What PostgreSQL said, and what it means here.
struct ServerError {
    let state: String
    let constraint: String
    let message: String

    init(_ result: QueryResult) {
        state = result.field(errorField("C")) ?? ""
        constraint = result.field(errorField("n")) ?? ""
        message = oneLine(result.field(errorField("M")) ?? "no reason given")
    }

    /// Changes look for conflicts first and name the owner; these are for what slips in from elsewhere all the same.
    var failure: StoreFailure {
        if let failure = Self.constraints[constraint] { return failure }
        switch state.prefix(2) {
        case "57" where state == "57014": return .unavailable("it takes longer than a statement may (SQLSTATE 57014)")
        // Shutting down or starting up, connections exhausted, cancelled, resources, the system.
        case "57", "53", "58", "08": return .unavailable("\(message) (SQLSTATE \(state))")
        // Serialization failure, deadlock, lock not available.
        case "40", "55": return .unavailable("another change was in the way, try again (SQLSTATE \(state))")
        // A standby, or a server on its way to be one.
        case "25" where state == "25006": return .unavailable("the database is read-only (SQLSTATE \(state))")
        default: return .other("\(message) (SQLSTATE \(state))")
        }
    }

    private static let constraints: [String: StoreFailure] = [
        "node_name": .unavailable("another change was in the way, try again"),
        "interface_name": .taken(what: "name", owner: "another interface"),
        "interface_listen_port": .taken(what: "listen port", owner: "another interface"),
        "interface_public_key": .taken(what: "public key", owner: "another interface"),
        "interface_ipv6_pool": .taken(what: "IPv6 pool", owner: "another interface"),
        "interface_ipv4_pool": .taken(what: "IPv4 pool", owner: "another interface"),
        "peer_name": .taken(what: "name", owner: "another peer"),
        "peer_public_key": .taken(what: "public key", owner: "another peer"),
        "peer_own_key": .taken(what: "public key", owner: "the interface itself"),
        "allocation_once": .taken(what: "address", owner: "the same peer"),
        "allocation_peer_overlap": .taken(what: "address", owner: "another peer"),
        "allocation_gateway_overlap": .taken(what: "address", owner: "the interface itself"),
        "principal_name": .taken(what: "name", owner: "another principal"),
        "principal_uid": .taken(what: "user id", owner: "another principal"),
        "audit_pkey": .notFirst,
    ]
}
