// SPDX-License-Identifier: Apache-2.0

/// A method of the schema and what a caller needs for it: one row of the permission table.
public struct MethodDescriptor: Hashable, Sendable {
    /// `wgm.v1.Peers/Create`.
    public let name: String
    /// The verb that a grant must hold; nil when the method needs no permission.
    public let verb: String?
    /// The resource path that a grant must cover, with `{field}` for fields of the request.
    public let resource: String?
    /// Any valid token may call it.
    public let isAuthenticatedOnly: Bool
    /// No token is needed.
    public let isAnonymous: Bool
    /// Changes state: a call must carry an idempotency key.
    public let isMutation: Bool
    /// Largest request message.
    public let maxRequestBytes: Int
    /// Leaves an audit record.
    public let isAudited: Bool
    /// One sentence for people.
    public let summary: String
}

/// How one field appears in the audit record: one row of the redaction table.
public struct AuditedField: Hashable, Sendable {
    /// `wgm.v1.NewPeer`.
    public let message: String
    public let field: String
    /// As it is; else as a keyed hash.
    public let isClear: Bool
}
