// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What peers dial: a host name or an address, with or without a port.
package struct DialAddress: Hashable, Sendable, CustomStringConvertible {
    package static let rule =
        "a host name or address, with or without port: vpn.example.org, vpn.example.org:51820, 192.0.2.1 or [2001:db8::1]:51820"

    private enum Host: Hashable {
        case address(IPAddress)
        case name(String)
    }
    private let host: Host
    private let port: UInt16?

    private init(host: Host, port: UInt16?) {
        self.host = host
        self.port = port
    }

    package init?(_ text: String) {
        guard text.utf8.count <= 253 + 6 else { return nil }
        if let address = IPAddress(text) {
            self.init(host: .address(address), port: nil)
        } else if let endpoint = Endpoint(text) {
            self.init(host: .address(endpoint.address), port: endpoint.port)
        } else if text.hasPrefix("["), text.hasSuffix("]"), let address = IPAddress(text.dropFirst().dropLast()) {
            guard address.family == .v6 else { return nil }
            self.init(host: .address(address), port: nil)
        } else {
            self.init(name: text)
        }
        if case .address(let address) = host, address.hostFault != nil { return nil }
    }

    private init?(name text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, Self.isHostName(parts[0]) else { return nil }
        guard parts.count == 2 else {
            self.init(host: .name(String(parts[0])), port: nil)
            return
        }
        guard let port = UInt16(parts[1]), port > 0, String(port) == parts[1] else { return nil }
        self.init(host: .name(String(parts[0])), port: port)
    }

    /// Labels of 1 to 63 letters, digits and inner hyphens (RFC 1123), the last not a number, 253 characters in all.
    private static func isHostName(_ text: Substring) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let hyphen = UInt8(ascii: "-")
        let areGood = labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { isLetter($0) || isDigit($0) || $0 == hyphen }
        }
        return areGood && labels.last.map { !$0.allSatisfy(isDigit) } ?? false
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// `host:port`, with this port if there was none.
    package func withPort(_ fallback: UInt16) -> String {
        DialAddress(host: host, port: port ?? fallback).description
    }

    package var description: String {
        let name: String
        switch host {
        case .name(let text): name = text
        case .address(let address): name = address.family == .v6 ? "[\(address)]" : address.description
        }
        return port.map { "\(name):\($0)" } ?? name
    }
}
