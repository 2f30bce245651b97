// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension ConfigurationParser {
    mutating func readPeer(_ name: CompactText, _ setting: Setting, _ text: Span<UInt8>) {
        guard let last = file.peers.indices.last else { return refuse(setting.place, .noSection) }
        switch String(decoding: name.lowercased, as: UTF8.self) {
        case "publickey":
            guard beginOnce("PublicKey", setting) else { return }
            guard let key = PublicKey(base64: setting.compact(in: text).text) else {
                return refuse(setting.valuePlace(in: text), .malformedKey("PublicKey"))
            }
            file.peers[last].publicKey = Located(key, setting.valuePlace(in: text))
        case "presharedkey": file.peers[last].presharedKey = readSecret("PresharedKey", setting, text)
        case "allowedips": readAllowedAddresses(setting, text)
        case "endpoint":
            guard beginOnce("Endpoint", setting) else { return }
            guard let endpoint = FileEndpoint(setting.compact(in: text)) else {
                return malformed("Endpoint", setting, text, FileEndpoint.rule)
            }
            file.peers[last].endpoint = Located(endpoint, setting.valuePlace(in: text))
        case "persistentkeepalive":
            guard beginOnce("PersistentKeepalive", setting) else { return }
            readKeepalive(setting, text)
        default: refuseUnknown(name, setting, section: "Peer")
        }
    }

    private mutating func readKeepalive(_ setting: Setting, _ text: Span<UInt8>) {
        let bytes = setting.compact(in: text)
        let isOff = bytes.lowercased == Array("off".utf8)
        guard let seconds = isOff ? 0 : FileNumber.decimal(bytes.bytes, max: 65535), let last = file.peers.indices.last
        else { return malformed("PersistentKeepalive", setting, text, "off, or 0 to 65535 seconds") }
        file.peers[last].keepalive = Located(UInt16(seconds), setting.valuePlace(in: text))
    }

    /// Of several lines all count; an empty one says that there are none in it.
    private mutating func readAllowedAddresses(_ setting: Setting, _ text: Span<UInt8>) {
        guard begin("AllowedIPs", setting, mayBeEmpty: true), let last = file.peers.indices.last else { return }
        let value = setting.compact(in: text)
        guard !value.isEmpty else { return }
        let end = setting.line.column(of: setting.value.upperBound, in: text)
        for (part, column) in value.split(lineEnd: end) {
            let place = Place(line: setting.line.number, column: column)
            guard let written = Self.prefix(part.bytes) else {
                refuse(place, .malformedValue("AllowedIPs", rule: "a prefix such as 10.0.0.2/32 or fd00::/64"))
                continue
            }
            if written.prefix.address != written.address { warn(place, .hostBits(written.prefix)) }
            file.peers[last].allowedAddresses.append(Located(written.prefix, place))
        }
    }

    /// Leading zeros of the length are let through, as wg(8) does.
    private static func prefix(_ text: [UInt8]) -> InterfaceAddress? {
        let parts = text.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(decoding: first, as: UTF8.self)) else {
            return nil
        }
        guard parts.count == 2 else { return InterfaceAddress(address, length: address.family.bitCount) }
        return FileNumber.decimal(parts[1], max: 128).flatMap { InterfaceAddress(address, length: Int($0)) }
    }
}
