// SPDX-License-Identifier: Apache-2.0

/// Where a peer was last heard, or is to be sent to: address, UDP port and, for link-local IPv6, the zone's index.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package let address: IPAddress
    package let port: UInt16
    package let zone: UInt32

    package init(_ address: IPAddress, port: UInt16, zone: UInt32 = 0) {
        self.address = address
        self.port = port
        self.zone = zone
    }

    /// Reads `192.0.2.1:51820` or `[2001:db8::1]:51820`; port 0 and zones are refused.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let port = IPAddress.parseDecimal(text[text.index(after: colon)...].utf8, max: 65535)
        guard let port, port > 0 else { return nil }
        let bracketed = host.first == "[" && host.last == "]"
        if bracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(host), bracketed == (address.family == .v6) else { return nil }
        self.init(address, port: UInt16(port))
    }

    package var description: String {
        guard address.family == .v6 else { return "\(address):\(port)" }
        return zone == 0 ? "[\(address)]:\(port)" : "[\(address)%\(zone)]:\(port)"
    }
}
