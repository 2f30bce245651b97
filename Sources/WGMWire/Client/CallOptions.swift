// SPDX-License-Identifier: Apache-2.0

/// What one call may set for itself.
public struct CallOptions: Sendable {
    public var timeout: Duration?
    /// 16 bytes; the same again makes a retry of the same call.
    public var idempotencyKey: [UInt8]?
    /// Narrows the token for this call.
    public var scope: String?
    public var traceparent: String?
    /// Why the call is made, for the revision and the audit record; the metadata `reason`.
    public var reason: String?
    /// Further pairs; keys are 1 to 64 characters of a-z 0-9 - _ .
    public var metadata: [(key: String, value: [UInt8])] = []

    public init() {}

    /// 16 bytes from the system's random number generator.
    public static func randomKey() -> [UInt8] {
        var source = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &source) }
    }
}
