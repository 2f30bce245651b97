// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

/// An endpoint is four columns: address or name, port, zone.
extension Row {
    mutating func endpoint() throws(StoreFailure) -> PeerEndpoint? {
        let (address, name) = (try optionalAddress(), try optionalText())
        let (port, zone) = (UInt16(clamping: try optionalInt() ?? 0), UInt32(clamping: try optionalInt() ?? 0))
        if let name { return .name(try required(HostName(name)), port: port) }
        return address.map { .address(Endpoint($0, port: port, zone: zone)) }
    }
}

extension PeerEndpoint? {
    var addressColumn: Parameter { .address(self?.address?.address) }
    var nameColumn: Parameter { .text(self?.name?.value) }
    var portColumn: Parameter { .int(self?.port) }
    var zoneColumn: Parameter { .int(self?.address?.zone) }
}
