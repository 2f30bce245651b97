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
    /// `stream` stands before the request: any number of messages.
    public let isRequestStream: Bool
    /// `stream` stands before the reply.
    public let isReplyStream: Bool
    /// One sentence for people.
    public let summary: String

    public init(
        name: String,
        verb: String?,
        resource: String?,
        isAuthenticatedOnly: Bool,
        isAnonymous: Bool,
        isMutation: Bool,
        maxRequestBytes: Int,
        isAudited: Bool,
        isRequestStream: Bool,
        isReplyStream: Bool,
        summary: String
    ) {
        self.name = name
        self.verb = verb
        self.resource = resource
        self.isAuthenticatedOnly = isAuthenticatedOnly
        self.isAnonymous = isAnonymous
        self.isMutation = isMutation
        self.maxRequestBytes = maxRequestBytes
        self.isAudited = isAudited
        self.isRequestStream = isRequestStream
        self.isReplyStream = isReplyStream
        self.summary = summary
    }
}

/// How one field appears in the audit record: one row of the redaction table.
public struct AuditedField: Hashable, Sendable {
    /// `wgm.v1.NewPeer`.
    public let message: String
    public let field: String
    /// As it is; else as a keyed hash.
    public let isClear: Bool
}
