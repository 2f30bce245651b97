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
