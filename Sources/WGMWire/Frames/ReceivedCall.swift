// SPDX-License-Identifier: Apache-2.0

/// A call as it arrived: every field checked against the limits, its message not parsed.
public struct ReceivedCall: Sendable {
    public let stream: UInt32
    /// The slot of the token, 0 for a call without.
    public let slot: Int
    /// `package.Service/Method`.
    public let method: String
    /// nil when the call carries no message, which an empty message is not.
    public internal(set) var message: [UInt8]?
    /// END_STREAM was set: no DATA follows.
    public internal(set) var isComplete: Bool
    /// As the caller named it.
    public let timeout: Duration?
    /// What that is for a method without `stream`.
    public let deadline: Moment
    /// 16 bytes.
    public let idempotencyKey: [UInt8]?
    public let metadata: [(key: String, value: [UInt8])]
    /// W3C trace context, version 00.
    public let traceparent: String?
    public let scope: String?
}

extension ReceivedCall {
    /// The bytes in it that the caller chose the number of.
    var memory: Int {
        (message ?? []).count + metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
            + (scope?.utf8.count ?? 0)
    }

    /// Checks the envelope.
    ///
    /// What it throws ends the call, not the connection.
    init(
        _ call: V1.Call,
        header: FrameHeader,
        now: Moment,
        limits: WireLimits
    ) throws(Status) {
        guard let method = call.method, Self.isMethod(method, limits) else {
            throw Status(.invalidArgument, "method: must be package.Service/Method, at most \(limits.method) bytes")
        }
        guard header.flags.contains(.hasMessage) == (call.message != nil) else {
            throw Status(.invalidArgument, "message: the flag HAS_MESSAGE and the field must agree")
        }
        guard call.message.map(\.count) ?? 0 <= limits.message else {
            throw Status(.resourceExhausted, "message: at most \(limits.message) bytes")
        }
        guard call.idempotencyKey.map({ $0.count == 16 }) ?? true else {
            throw Status(.invalidArgument, "idempotency_key: must be 16 bytes")
        }
        guard call.traceparent.map({ TraceParent.isValid(Array($0.utf8).span) }) ?? true else {
            throw Status(.invalidArgument, "traceparent: must be a W3C trace context of version 00")
        }
        guard call.scope.map(\.utf8.count) ?? 0 <= limits.scope else {
            throw Status(.resourceExhausted, "scope: at most \(limits.scope) bytes")
        }
        stream = header.stream
        slot = Int(header.aux)
        self.method = method
        message = call.message
        isComplete = header.flags.contains(.endStream)
        timeout = call.timeoutMs.flatMap { $0 > 0 ? .milliseconds(Int64($0)) : nil }
        deadline = now + Self.timeout(call.timeoutMs, limits)
        idempotencyKey = call.idempotencyKey
        metadata = try Self.metadata(call.metadata, limits)
        traceparent = call.traceparent
        scope = call.scope
    }

    private static func timeout(_ milliseconds: UInt32?, _ limits: WireLimits) -> Duration {
        guard let milliseconds, milliseconds > 0 else { return limits.defaultTimeout }
        return min(.milliseconds(Int64(milliseconds)), limits.longestTimeout)
    }

    private static func metadata(
        _ pairs: [V1.MetadataPair],
        _ limits: WireLimits
    ) throws(Status) -> [(key: String, value: [UInt8])] {
        guard pairs.count <= limits.metadataPairs else {
            throw Status(.resourceExhausted, "metadata: at most \(limits.metadataPairs) pairs")
        }
        var size = 0
        var result: [(key: String, value: [UInt8])] = []
        for pair in pairs {
            guard let key = pair.key, isMetadataKey(key) else {
                throw Status(.invalidArgument, "metadata: keys are 1 to 64 characters of a-z 0-9 - _ .")
            }
            size += key.utf8.count + (pair.value ?? []).count
            result.append((key, pair.value ?? []))
        }
        guard size <= limits.metadata else {
            throw Status(.resourceExhausted, "metadata: at most \(limits.metadata) bytes")
        }
        return result
    }

    private static func isMetadataKey(_ key: String) -> Bool {
        (1...64).contains(key.utf8.count)
            && key.utf8.allSatisfy { isLower($0) || isDigit($0) || "-_.".utf8.contains($0) }
    }

    private static func isMethod(_ name: String, _ limits: WireLimits) -> Bool {
        guard name.utf8.count <= limits.method else { return false }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && parts[1].allSatisfy(isWord)
            && parts[0].allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLower(byte) || isDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || byte == UInt8(ascii: "_")
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
