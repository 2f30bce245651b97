// SPDX-License-Identifier: Apache-2.0

/// Where a peer is to be sent to before it was heard: an address, or a name that is looked up.
package enum PeerEndpoint: Hashable, Sendable, CustomStringConvertible {
    case address(Endpoint)
    case name(HostName, port: UInt16)

    package static let rule =
        "192.0.2.1:51820, [2001:db8::1]:51820 or vpn.example.org:51820, with a port of 1 to 65535; an international name in its xn-- form"

    /// Reads what `rule` says.
    package init?(_ text: String) {
        if let endpoint = Endpoint(text) {
            self = .address(endpoint)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let name = HostName(text[..<colon]),
            let port = IPAddress.parseDecimal(text[text.index(after: colon)...].utf8, max: 65535), port > 0
        else { return nil }
        self = .name(name, port: UInt16(port))
    }

    /// nil for a name.
    package var address: Endpoint? {
        guard case .address(let endpoint) = self else { return nil }
        return endpoint
    }

    /// nil for an address.
    package var name: HostName? {
        guard case .name(let name, _) = self else { return nil }
        return name
    }

    package var port: UInt16 {
        switch self {
        case .address(let endpoint): endpoint.port
        case .name(_, let port): port
        }
    }

    package var description: String {
        switch self {
        case .address(let endpoint): endpoint.description
        case .name(let name, let port): "\(name):\(port)"
        }
    }
}
