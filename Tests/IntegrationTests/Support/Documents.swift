// SPDX-License-Identifier: Apache-2.0

/// The parts of wgmctl's JSON that tests look at.
struct PeerDocument: Decodable {
    let name: String
    let enabled: Bool
    let addresses: [String]
}

struct AuditDocument: Decodable {
    let sequence: Int
    let principal: String?
    let uid: Int?
    let method: String
    let code: Int
    let message: String?
}

struct IdentityDocument: Decodable {
    let principal: String
    let roles: [String]
    let tokenId: String?
}

struct LoginDocument: Decodable {
    let becameFirstAdmin: Bool
}
