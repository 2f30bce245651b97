// SPDX-License-Identifier: Apache-2.0

/// Routes of methods with `stream`.
extension Route {
    /// The reply is a stream.
    public init<Q: RequestMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        replies handler: @escaping @Sendable (Q, Context, Replies<R>) async throws(Status) -> Void
    ) {
        self.init(method) { (request: Q, context) -> Reply<R> in
            .stream { (channel) async throws(Status) -> R? in
                try await handler(request, context, Replies(channel))
                return nil
            }
        }
    }

    /// The request is a stream.
    ///
    /// What a caller must be allowed is decided before any message has come: every field of the request that the
    /// permission names stands for `*`.
    public init<Q: RequestMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        requests handler: @escaping @Sendable (Requests<Q>, Context) async throws(Status) -> R
    ) {
        self.init(method) { (_: Q, context) -> Reply<R> in
            .stream { (channel) async throws(Status) -> R? in try await handler(Requests(channel), context) }
        }
    }

    /// Both are streams; the same holds for what the caller must be allowed.
    public init<Q: RequestMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        both handler: @escaping @Sendable (Requests<Q>, Context, Replies<R>) async throws(Status) -> Void
    ) {
        self.init(method) { (_: Q, context) -> Reply<R> in
            .stream { (channel) async throws(Status) -> R? in
                try await handler(Requests(channel), context, Replies(channel))
                return nil
            }
        }
    }
}
