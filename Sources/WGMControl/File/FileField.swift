// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// One attribute that a gateway file can say: how it is written, and how it is read.
///
/// What a plan compares, an export writes and an apply changes is what `FileField.interface` and `FileField.peer` list.
struct FileField<Draft: Sendable>: Sendable {
    let name: String
    let form: FileAttribute.Form
    /// The gateway gives one out when none is named, and never takes it back.
    var isGiven = false
    /// What an interface keeps as long as it lives.
    var isFixed = false
    /// Only that there is one is known, so that a file can clear it and nothing else.
    var isSecret = false
    /// As a file writes it; nil is null.
    let read: @Sendable (Draft) -> [String]?
    /// Takes the values over; nil clears.
    ///
    /// What is wrong with value 2 is said of the field `[2]`.
    let write: @Sendable (inout Draft, [String]?, inout Checker) -> Void
}

extension FileField where Draft == CheckedInterface {
    private static let maxResolvers = 8

    /// In the order in which a file has them.
    static let interface: [Self] = [
        Self(name: "up", form: .flag, read: { [String($0.isUp)] }) { draft, values, checker in
            draft.isUp = checker.flag(values) ?? true
        },
        Self(name: "listen_port", form: .number, isGiven: true, read: { $0.listenPort.map { [String($0)] } }) {
            draft,
            values,
            checker in
            guard let values else { return }
            draft.listenPort = checker.number(values, in: 1...65535).map { UInt16(clamping: $0) } ?? draft.listenPort
        },
        Self(name: "mtu", form: .number, read: { [String($0.mtu)] }) { draft, values, checker in
            let mtu = values.flatMap { checker.number($0, in: 1280...65535) }
            draft.mtu = mtu ?? InterfaceRequest.defaultMTU
        },
        Self(name: "endpoint", form: .text, read: { $0.endpoint.map { [$0] } }) { draft, values, checker in
            let endpoint = values?.first.flatMap { DialAddress($0)?.description }
            if values != nil, endpoint == nil { checker.refuse("", DialAddress.rule) }
            draft.endpoint = endpoint
        },
        Self(name: "ipv6_pool", form: .text, isGiven: true, isFixed: true, read: { $0.ipv6Pool.map { ["\($0)"] } }) {
            draft,
            values,
            checker in
            guard let text = values?.first else { return }
            draft.ipv6Pool = checker.pool(text, .v6, lengths: 48...120, "")
        },
        Self(name: "ipv4_pool", form: .text, isFixed: true, read: { $0.ipv4Pool.map { ["\($0)"] } }) {
            draft,
            values,
            checker in
            draft.ipv4Pool = values?.first.flatMap { checker.pool($0, .v4, lengths: 8...30, "") }
        },
        Self(name: "dns", form: .list, read: { $0.dns.map(\.description) }) { draft, values, checker in
            if let values, values.count > maxResolvers { checker.refuse("", "at most \(maxResolvers) addresses") }
            draft.dns = checker.unique(values?.prefix(maxResolvers)) { checker, text, field in
                checker.hostAddress(text, field)
            }
        },
        Self(name: "firewall_mark", form: .number, read: { [String($0.firewallMark)] }) { draft, values, checker in
            draft.firewallMark = values.flatMap { checker.number($0, in: 0...UInt32.max) } ?? 0
        },
        Self(name: "drift_policy", form: .text, read: { [$0.driftPolicy.description] }) { draft, values, checker in
            let names = DriftPolicy.allCases
            let policy = values.map { values in names.first { $0.description == values.first } }
            if case .some(nil) = policy { checker.refuse("", "repair, report or adopt") }
            draft.driftPolicy = (policy ?? nil) ?? .repair
        },
        Self(name: "backend", form: .text, isFixed: true, read: { [$0.backend.word] }) { draft, values, checker in
            let backend = values.map { values in
                Backend.allCases.first { $0.word == values.first || ($0, values.first) == (.automatic, "automatic") }
            }
            if case .some(nil) = backend { checker.refuse("", "auto, kernel or userspace") }
            draft.backend = (backend ?? nil) ?? .automatic
        },
    ]
}

extension FileField where Draft == PeerDraft {
    private static let maxAddresses = 16
    private static let maxPrefixes = 1000

    /// In the order in which a file has them.
    static let peer: [Self] = [
        Self(name: "public_key", form: .text, read: { $0.publicKey.map { ["\($0)"] } }) { draft, values, checker in
            if values == nil { checker.refuse("", "a peer has a key; with null it would have none") }
            draft.publicKey = values.flatMap { checker.publicKey($0.first, "") } ?? draft.publicKey
        },
        Self(name: "addresses", form: .list, isGiven: true, read: { $0.addresses?.map(\.description) }) {
            draft,
            values,
            checker in
            guard let values else { return }
            if values.count > maxAddresses { checker.refuse("", "at most \(maxAddresses) addresses") }
            draft.addresses = checker.unique(values.prefix(maxAddresses)) { checker, text, field in
                checker.hostAddress(text, field)
            }
        },
        Self(name: "allowed_addresses", form: .list, read: { $0.routed.map(\.description) }) { draft, values, checker in
            if let values, values.count > maxPrefixes { checker.refuse("", "at most \(maxPrefixes) prefixes") }
            draft.routed = checker.unique(values?.prefix(maxPrefixes)) { checker, text, field in
                checker.prefix(text, field)
            }
        },
        Self(name: "endpoint", form: .text, read: { $0.endpoint.map { ["\($0)"] } }) { draft, values, checker in
            draft.endpoint = values?.first.flatMap { checker.endpoint($0, "") }
        },
        Self(name: "keepalive_s", form: .number, read: { [String($0.keepalive)] }) { draft, values, checker in
            let seconds = values.flatMap { checker.number($0, in: 0...65535) }
            draft.keepalive = UInt16(clamping: seconds ?? 0)
        },
        Self(name: "preshared_key", form: .text, isSecret: true, read: { $0.presharedKey.map { _ in ["set"] } }) {
            draft,
            values,
            checker in
            if values != nil { checker.refuse("", "no file holds one; null clears it, left out it is kept") }
            draft.presharedKey = nil
        },
        Self(name: "enabled", form: .flag, read: { [String($0.isEnabled)] }) { draft, values, checker in
            draft.isEnabled = checker.flag(values) ?? true
        },
        Self(name: "comment", form: .text, read: { $0.comment.isEmpty ? nil : [$0.comment] }) {
            draft,
            values,
            checker in
            draft.comment = checker.comment(values?.first, "")
        },
        Self(name: "valid_from", form: .text, read: { $0.validity.from.map { [$0.text] } }) { draft, values, checker in
            draft.validity.from = values.flatMap { checker.moment($0) }
        },
        Self(name: "valid_until", form: .text, read: { $0.validity.until.map { [$0.text] } }) {
            draft,
            values,
            checker in
            draft.validity.until = values.flatMap { checker.moment($0) }
        },
    ]
}

extension Checker {
    fileprivate mutating func flag(_ values: [String]?) -> Bool? {
        guard let values else { return nil }
        guard let flag = values.first.flatMap(Bool.init) else {
            refuse("", "true or false")
            return nil
        }
        return flag
    }

    /// In decimal, or after `0x` in hexadecimal.
    fileprivate mutating func number(_ values: [String], in range: ClosedRange<UInt32>) -> UInt32? {
        let text = values.first ?? ""
        let isHexadecimal = text.hasPrefix("0x")
        let digits = isHexadecimal ? text.dropFirst(2) : text[...]
        // A zero in front makes it octal to other readers of YAML.
        let hasZero = digits.count > 1 && digits.first == "0" && !isHexadecimal
        guard digits.allSatisfy(\.isHexDigit), !hasZero, let number = UInt32(digits, radix: isHexadecimal ? 16 : 10),
            range.contains(number)
        else {
            let rule = "a number of \(range.lowerBound) to \(range.upperBound)"
            refuse("", hasZero ? rule + ", without zeros in front" : rule)
            return nil
        }
        return number
    }

    /// As RFC 3339 has it.
    fileprivate mutating func moment(_ values: [String]) -> Timestamp? {
        guard let milliseconds = CalendarTime.milliseconds(values.first ?? ""), milliseconds > 0 else {
            refuse("", "a time such as 2030-01-31T18:00:00Z")
            return nil
        }
        return moment(milliseconds, "")
    }

    /// Each value once; what occurs again is refused.
    fileprivate mutating func unique<Value: Hashable>(
        _ texts: (some Collection<String>)?,
        _ parse: (inout Checker, String, String) -> Value?
    ) -> [Value] {
        var seen: [Value: Int] = [:]
        var values: [Value] = []
        guard let texts else { return [] }
        for (index, text) in texts.enumerated() {
            guard let value = parse(&self, text, "[\(index)]") else { continue }
            if seen.updateValue(index, forKey: value) == nil {
                values.append(value)
            } else {
                refuse("[\(index)]", "is listed twice")
            }
        }
        return values
    }
}

extension Backend {
    fileprivate var word: String {
        switch self {
        case .automatic: "auto"
        case .kernel: "kernel"
        case .userspace: "userspace"
        }
    }
}

extension Timestamp {
    fileprivate var text: String { CalendarTime.text(milliseconds: milliseconds, isExact: true) }
}
