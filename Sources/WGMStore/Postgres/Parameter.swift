// SPDX-License-Identifier: Apache-2.0

import WGMModel

/// The types of PostgreSQL in use here, by their fixed object ids (catalog/pg_type.dat).
enum PostgresType: UInt32 {
    case bool = 16
    case bytea = 17
    case int8 = 20
    case text = 25
    case cidr = 650
    case inet = 869
    case timestamptz = 1184

    var array: UInt32 {
        switch self {
        case .bool: 1000
        case .bytea: 1001
        case .int8: 1016
        case .text: 1009
        case .cidr: 651
        case .inet: 1041
        case .timestamptz: 1185
        }
    }
}

/// A value for `$1` and so on, in PostgreSQL's binary form: nothing in it is ever read as SQL, nothing needs an escape.
struct Parameter {
    let type: UInt32
    /// nil is NULL.
    let bytes: [UInt8]?

    private init(_ type: PostgresType, _ bytes: [UInt8]?) {
        self.type = type.rawValue
        self.bytes = bytes
    }

    static func bool(_ value: Bool?) -> Self { Self(.bool, value.map { [$0 ? 1 : 0] }) }
    static func int(_ value: Int64?) -> Self { Self(.int8, value.map { bigEndian($0) }) }
    static func int(_ value: (some FixedWidthInteger)?) -> Self { int(value.map { Int64(clamping: $0) }) }
    static func text(_ value: String?) -> Self { Self(.text, value.map { Array($0.utf8) }) }
    static func bytes(_ value: [UInt8]?) -> Self { Self(.bytea, value) }
    static func prefix(_ value: IPPrefix?) -> Self {
        Self(.cidr, value.map { network($0.address, length: $0.length, isCIDR: true) })
    }
    static func address(_ value: IPAddress?) -> Self {
        Self(.inet, value.map { network($0, length: UInt8($0.family.bitCount), isCIDR: false) })
    }

    /// Rounded down to microseconds, and kept between the years 1 and 9999.
    static func time(_ value: Timestamp?) -> Self {
        let bytes = value.map { time in
            let seconds = min(max(time.seconds, -62_135_596_800), 253_402_300_799) - secondsFrom1970To2000
            return bigEndian(seconds * 1_000_000 + Int64(min(time.nanoseconds, 999_999_999) / 1000))
        }
        return Self(.timestamptz, bytes)
    }

    static let secondsFrom1970To2000: Int64 = 946_684_800

    /// One dimension, counted from 1; the elements must be of the type given.
    static func array(of type: PostgresType, _ elements: [Parameter]) -> Self {
        var bytes: [UInt8] = []
        let hasNull = elements.contains { $0.bytes == nil }
        bytes += bigEndian(Int32(elements.isEmpty ? 0 : 1)) + bigEndian(Int32(hasNull ? 1 : 0))
        bytes += bigEndian(type.rawValue)
        if !elements.isEmpty { bytes += bigEndian(Int32(clamping: elements.count)) + bigEndian(Int32(1)) }
        for element in elements {
            precondition(element.type == type.rawValue, "an array has elements of one type")
            bytes += bigEndian(element.bytes.map { Int32(clamping: $0.count) } ?? -1)
            bytes += element.bytes ?? []
        }
        return Self(arrayOf: type, bytes)
    }

    static func array(of type: PostgresType, _ elements: [Parameter]?) -> Self {
        guard let elements else { return Self(arrayOf: type, nil) }
        return array(of: type, elements)
    }

    static func ints(_ values: [Int64]) -> Self { array(of: .int8, values.map { .int($0) }) }
    static func texts(_ values: [String]) -> Self { array(of: .text, values.map { .text($0) }) }
    static func prefixes(_ values: [IPPrefix]) -> Self { array(of: .cidr, values.map { .prefix($0) }) }
    static func addresses(_ values: [IPAddress]) -> Self { array(of: .inet, values.map { .address($0) }) }

    private init(arrayOf type: PostgresType, _ bytes: [UInt8]?) {
        self.type = type.array
        self.bytes = bytes
    }

    /// utils/adt/network.c, `network_send`: family, bits, is_cidr, byte count, address.
    private static func network(_ address: IPAddress, length: UInt8, isCIDR: Bool) -> [UInt8] {
        let bytes = address.bytes
        return [address.family == .v4 ? 2 : 3, length, isCIDR ? 1 : 0, UInt8(bytes.count)] + bytes
    }
}

private func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
