// SPDX-License-Identifier: Apache-2.0

/// Something that can make a call and wait for its end.
///
/// The generated extension gives it a typed method for each method of the schema: `peersCreate(_:)`.
public protocol BlockingCaller: ~Copyable {
    mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        as reply: R.Type
    ) throws(Status) -> R
}

/// Something that can also make calls with a stream on one side.
///
/// The generated extension gives it a typed method for each of those: `eventsWatch(_:options:each:)`.
public protocol BlockingStreamCaller: BlockingCaller, ~Copyable {
    /// The reply is a stream; the call is given up when `each` returns false.
    mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        _ request: Q,
        options: CallOptions,
        each: (R) throws(Status) -> Bool
    ) throws(Status)

    /// The request is a stream, which ends when `next` returns nil.
    mutating func call<Q: WireMessage, R: WireMessage>(
        _ method: MethodDescriptor,
        as reply: R.Type,
        options: CallOptions,
        next: () throws(Status) -> Q?
    ) throws(Status) -> R
}
