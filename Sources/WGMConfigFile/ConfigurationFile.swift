// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Where something stands in a file, counted from 1; columns are characters.
package struct Place: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package var description: String { "line \(line), column \(column)" }

    package static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// A value and where the file says it.
package struct Located<Value: Hashable & Sendable>: Hashable, Sendable {
    package var value: Value
    package var place: Place

    package init(_ value: Value, _ place: Place) {
        self.value = value
        self.place = place
    }
}

/// Where in the file's bytes a private or preshared key stands; the key itself is never kept here.
///
/// White space may stand inside of it, as wg(8) allows everywhere.
package struct SecretPlace: Hashable, Sendable {
    package var offset: Int
    package var byteCount: Int

    package init(offset: Int, byteCount: Int) {
        self.offset = offset
        self.byteCount = byteCount
    }

    package var range: Range<Int> { offset..<(offset + byteCount) }
}

/// A file as wg-quick(8) and `wg setconf` read it.
package struct ConfigurationFile: Hashable, Sendable {
    package var interface = InterfaceSection()
    package var peers: [PeerSection] = []
    /// What is accepted, but perhaps not meant.
    package var warnings: [Finding] = []

    package init() {}
}

/// Everything that the `[Interface]` sections say; of a setting that is there twice the last counts.
package struct InterfaceSection: Hashable, Sendable {
    package var privateKey: Located<SecretPlace>?
    /// 0 lets the kernel choose.
    package var listenPort: Located<UInt16>?
    package var firewallMark: Located<UInt32>?
    package var addresses: [Located<InterfaceAddress>] = []
    package var resolvers: [Located<IPAddress>] = []
    package var searchDomains: [Located<String>] = []
    /// Bytes.
    package var mtu: Located<UInt32>?
    package var table: Located<RouteTable>?
    package var commands: [Located<HookCommand>] = []
    package var savesConfiguration: Located<Bool>?

    package init() {}
}

/// Where wg-quick puts the routes to allowed addresses.
package enum RouteTable: Hashable, Sendable {
    case automatic
    case none
    /// A number, or a name of `rt_tables`.
    case named(String)
}

/// A shell command that wg-quick runs, as it stands in the file.
package struct HookCommand: Hashable, Sendable {
    package enum Phase: String, Hashable, Sendable, CaseIterable {
        case preUp = "PreUp"
        case postUp = "PostUp"
        case preDown = "PreDown"
        case postDown = "PostDown"
    }

    package var phase: Phase
    package var command: String

    package init(phase: Phase, command: String) {
        self.phase = phase
        self.command = command
    }
}

/// One `[Peer]` section.
package struct PeerSection: Hashable, Sendable {
    /// Of the word `[Peer]`.
    package var place: Place
    /// What a comment calls the peer.
    package var name: Located<String>?
    package var publicKey: Located<PublicKey>?
    /// nil also for the key of zeros, which stands for none.
    package var presharedKey: Located<SecretPlace>?
    /// In the order of the file.
    package var allowedAddresses: [Located<IPPrefix>] = []
    package var endpoint: Located<FileEndpoint>?
    /// Seconds; 0 is off.
    package var keepalive: Located<UInt16>?

    package init(place: Place) { self.place = place }
}

/// Where a peer is, as a file may say it.
package struct FileEndpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Host: Hashable, Sendable {
        /// The zone is the name or number of a link.
        case address(IPAddress, zone: String?)
        case name(String)
    }

    package var host: Host
    package var port: UInt16

    package init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    package var description: String {
        switch host {
        case .name(let name): "\(name):\(port)"
        case .address(let address, _) where address.family == .v4: "\(address):\(port)"
        case .address(let address, let zone): "[\(address)\(zone.map { "%" + $0 } ?? "")]:\(port)"
        }
    }
}
