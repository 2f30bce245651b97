// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Numbers as `strtoul` reads them in a place where wg(8) asks for a digit first.
enum FileNumber {
    static func decimal(_ text: some Collection<UInt8>, max: UInt64) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard byte.isDigit else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
            guard value <= max else { return nil }
        }
        return value
    }

    /// Decimal, or hexadecimal behind a small `0x`.
    static func mark(_ text: [UInt8]) -> UInt32? {
        if text.map(\.lowercasedASCII) == Array("off".utf8) { return 0 }
        guard text.starts(with: Array("0x".utf8)) else {
            return decimal(text, max: UInt64(UInt32.max)).map { UInt32($0) }
        }
        let digits = text.dropFirst(2)
        guard !digits.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in digits {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
            value = value << 4 | UInt64(digit)
            guard value <= UInt64(UInt32.max) else { return nil }
        }
        return UInt32(value)
    }
}

extension FileEndpoint {
    static let rule =
        "an address or a host name with a port: 192.0.2.1:51820, [2001:db8::1]:51820, [fe80::1%eth0]:51820 or vpn.example.org:51820"

    /// The host ends at `]`, or else at the last colon.
    init?(_ text: CompactText) {
        let bytes = text.bytes
        let colon = UInt8(ascii: ":")
        let host: ArraySlice<UInt8>
        let port: ArraySlice<UInt8>
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            guard end + 1 < bytes.count, bytes[end + 1] == colon else { return nil }
            host = bytes[1..<end]
            port = bytes[(end + 2)...]
        } else {
            guard let end = bytes.lastIndex(of: colon) else { return nil }
            host = bytes[..<end]
            port = bytes[(end + 1)...]
        }
        guard let number = FileNumber.decimal(port, max: 65535), let host = Host(host) else { return nil }
        self.init(host: host, port: UInt16(number))
    }
}

extension FileEndpoint.Host {
    init?(_ bytes: ArraySlice<UInt8>) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let address = IPAddress(text) {
            self = .address(address, zone: nil)
            return
        }
        if let percent = text.firstIndex(of: "%"), let address = IPAddress(text[..<percent]) {
            let zone = text[text.index(after: percent)...]
            guard address.family == .v6, (1...15).contains(zone.utf8.count), zone.utf8.allSatisfy(\.isOfLinkName) else {
                return nil
            }
            self = .address(address, zone: String(zone))
            return
        }
        guard Self.isHostName(bytes) else { return nil }
        self = .name(text)
    }

    /// Labels of 1 to 63 letters, digits, underscores and inner hyphens, the last not a number, 253 characters in all.
    private static func isHostName(_ text: ArraySlice<UInt8>) -> Bool {
        guard (1...253).contains(text.count) else { return false }
        var labels = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        let hyphen = UInt8(ascii: "-")
        let areGood = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { $0.isDigit || $0.isLetter || $0 == hyphen || $0 == UInt8(ascii: "_") }
        }
        return areGood && labels.last.map { !$0.allSatisfy(\.isDigit) } ?? false
    }
}

extension UInt8 {
    var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }
    var isOfLinkName: Bool { isLetter || isDigit || Array("_=+.-@".utf8).contains(self) }
    var isGraphic: Bool { (0x21...0x7e).contains(self) }
}

/// What can be said of a key without taking it out of the file.
enum KeyForm {
    case key
    /// Stands for no key.
    case zeros
    case malformed

    /// Looks at canonical base64 of 32 bytes, white space left out, without a branch or a table that a digit decides.
    init(of range: Range<Int>, in text: Span<UInt8>) {
        var count = 0
        var invalid: Int32 = 0
        var any: Int32 = 0
        for offset in range {
            let byte = text[offset]
            if byte.isWhiteSpace { continue }
            count += 1
            if count <= 43 {
                let value = Self.value(of: Int32(byte))
                invalid |= value
                any |= value
                // Of the last digit's six bits two are behind the 32 bytes.
                if count == 43 { invalid |= -(value & 3) }
            } else {
                invalid |= byte == UInt8(ascii: "=") ? 0 : -1
            }
        }
        guard count == 44, invalid >= 0 else {
            self = .malformed
            return
        }
        self = any == 0 ? .zeros : .key
    }

    /// 0 to 63; negative for a byte that is no digit.
    private static func value(of byte: Int32) -> Int32 {
        let upper = between(byte, 65, 90)
        let lower = between(byte, 97, 122)
        let number = between(byte, 48, 57)
        let plus = between(byte, 43, 43)
        let slash = between(byte, 47, 47)
        let value =
            upper & (byte - 65) | lower & (byte - 71) | number & (byte + 4) | plus & 62 | slash & 63
        return value | ~(upper | lower | number | plus | slash)
    }

    /// All ones when `low ≤ value ≤ high`, else zero.
    private static func between(_ value: Int32, _ low: Int32, _ high: Int32) -> Int32 {
        ~((value - low) >> 31) & ~((high - value) >> 31)
    }
}
