// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Collects every rule that a request breaks, so that the caller learns all of them at once.
struct Checker {
    private static let maxViolations = 100
    private(set) var violations: [Refusal.Violation] = []
    private var leftOut = 0

    mutating func refuse(_ field: String, _ rule: String) {
        guard violations.count < Self.maxViolations else {
            leftOut += 1
            return
        }
        violations.append(.init(field: field, rule: rule))
    }

    func finish() throws(Refusal) {
        guard !violations.isEmpty else { return }
        let rest = leftOut == 0 ? [] : [Refusal.Violation(field: "…", rule: "\(leftOut) more are wrong")]
        throw .invalid(violations + rest)
    }

    // MARK: Values

    mutating func interfaceName(_ text: String?, _ field: String) -> InterfaceName? {
        let name = text.flatMap { InterfaceName($0) }
        if name == nil { refuse(field, InterfaceName.rule) }
        return name
    }

    mutating func objectName(_ text: String?, _ field: String) -> ObjectName? {
        let name = text.flatMap { ObjectName($0) }
        if name == nil { refuse(field, ObjectName.rule) }
        return name
    }

    mutating func publicKey(_ text: String?, _ field: String) -> PublicKey? {
        guard let key = text.flatMap({ PublicKey(base64: $0) }) else {
            refuse(field, PublicKey.rule)
            return nil
        }
        guard !key.isZero else {
            refuse(field, "the key of zeros stands for no key")
            return nil
        }
        return key
    }

    /// nil when there is none.
    mutating func secretBox(_ bytes: [UInt8]?, _ field: String) -> SecretBox? {
        guard let bytes, !bytes.isEmpty else { return nil }
        let box = SecretBox(bytes: bytes)
        if box == nil { refuse(field, SecretBox.rule) }
        return box
    }

    /// A number within the range, the default when absent.
    mutating func number(
        _ value: UInt32?,
        in range: ClosedRange<UInt32>,
        else fallback: UInt32,
        _ field: String
    ) -> UInt32 {
        guard let value else { return fallback }
        if !range.contains(value) { refuse(field, "\(range.lowerBound) to \(range.upperBound)") }
        return value
    }

    /// The address of one host, not of a group or of nobody.
    mutating func hostAddress(_ text: String, _ field: String) -> IPAddress? {
        guard let address = IPAddress(text) else {
            refuse(field, "an IPv4 or IPv6 address without length and zone")
            return nil
        }
        if let rule = address.hostFault {
            refuse(field, rule)
            return nil
        }
        return address
    }

    mutating func prefix(_ text: String, _ field: String) -> IPPrefix? {
        guard let written = InterfaceAddress(text) else {
            refuse(field, "an IPv4 or IPv6 prefix, as address/length")
            return nil
        }
        guard let prefix = IPPrefix(text) else {
            refuse(field, "bits are set behind the length; \(written.prefix) was perhaps meant")
            return nil
        }
        if let rule = prefix.routeFault {
            refuse(field, rule)
            return nil
        }
        return prefix
    }

    mutating func endpoint(_ text: String, _ field: String) -> PeerEndpoint? {
        guard let endpoint = PeerEndpoint(text) else {
            refuse(field, PeerEndpoint.rule)
            return nil
        }
        if let rule = endpoint.address?.address.remoteFault {
            refuse(field, rule)
            return nil
        }
        return endpoint
    }

    mutating func comment(_ text: String?, _ field: String) -> String {
        guard let text else { return "" }
        let hasControls = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        if text.utf8.count > 256 || hasControls { refuse(field, "at most 256 bytes, without control characters") }
        return text
    }
}
