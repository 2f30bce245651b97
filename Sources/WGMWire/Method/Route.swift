// SPDX-License-Identifier: Apache-2.0

/// A method that a server serves.
@safe
public struct Route<Context: Sendable>: Sendable {
    public let method: MethodDescriptor
    /// Reads the request and says what may then be asked about it; runs nothing.
    public let prepare: @Sendable (UnsafeRawBufferPointer) throws(MessageError) -> PreparedCall<Context>

    public init(
        method: MethodDescriptor,
        prepare: @escaping @Sendable (UnsafeRawBufferPointer) throws(MessageError) -> PreparedCall<Context>
    ) {
        self.method = method
        unsafe self.prepare = prepare
    }
}

/// A request that has been read: what it touches, how it is recorded, and how it is run.
@safe
public struct PreparedCall<Context: Sendable>: Sendable {
    /// The resource paths that the caller's grants must cover, each of them; none for a method without permission.
    public let resources: @Sendable (_ node: String) -> [String]
    /// The request as JSON for the audit record, redacted as the schema says.
    public let auditJSON: @Sendable ((UnsafeRawBufferPointer) -> String) -> String
    public let run: @Sendable (Context) -> Reply<[UInt8]>

    public init(
        resources: @escaping @Sendable (_ node: String) -> [String],
        auditJSON: @escaping @Sendable ((UnsafeRawBufferPointer) -> String) -> String,
        run: @escaping @Sendable (Context) -> Reply<[UInt8]>
    ) {
        self.resources = resources
        unsafe self.auditJSON = auditJSON
        self.run = run
    }
}

/// The request of a method.
public protocol RequestMessage: WireMessage {
    /// The resource paths that the caller's grants must cover, each of them.
    ///
    /// A value's `/`, `*` and `%` are percent-encoded, so that a name can never become more than one segment or a
    /// pattern; an absent or empty field is `*`.
    func resources(node: String) -> [String]

    /// Compact JSON for the audit record.
    ///
    /// Only the fields that the schema marks as clear are readable, all others are hashes of their serialisation.
    func auditJSON(hashing: (UnsafeRawBufferPointer) -> String) -> String
}

extension Route {
    /// The route of a method from its typed handler.
    public init<Q: RequestMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ handler: @escaping @Sendable (Q, Context) -> Reply<R>
    ) {
        unsafe self.init(method: method) { (bytes) throws(MessageError) -> PreparedCall<Context> in
            let request = try unsafe Q(serialized: bytes)
            return unsafe PreparedCall(
                resources: { request.resources(node: $0) },
                auditJSON: { unsafe request.auditJSON(hashing: $0) },
                run: { handler(request, $0).serialized }
            )
        }
    }
}
