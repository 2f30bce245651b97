// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// What peers dial: a host name or an address, with or without a port.
package struct DialAddress: Hashable, Sendable, CustomStringConvertible {
    package static let rule =
        "a host name or address, with or without port: vpn.example.org, vpn.example.org:51820, 192.0.2.1 or [2001:db8::1]:51820"

    private enum Host: Hashable {
        case address(IPAddress)
        case name(HostName)
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
        guard parts.count <= 2, let name = HostName(parts[0]) else { return nil }
        guard parts.count == 2 else {
            self.init(host: .name(name), port: nil)
            return
        }
        guard let port = UInt16(parts[1]), port > 0, String(port) == parts[1] else { return nil }
        self.init(host: .name(name), port: port)
    }

    /// `host:port`, with this port if there was none.
    package func withPort(_ fallback: UInt16) -> String {
        DialAddress(host: host, port: port ?? fallback).description
    }

    package var description: String {
        let name: String
        switch host {
        case .name(let host): name = host.value
        case .address(let address): name = address.family == .v6 ? "[\(address)]" : address.description
        }
        return port.map { "\(name):\($0)" } ?? name
    }
}
