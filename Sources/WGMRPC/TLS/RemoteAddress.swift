// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NIOCore

/// The IP address that a connection came from.
///
/// An IPv4 address that arrives in IPv6 clothes (`::ffff:0:0/96`), as on a listener for both, is undressed.
public struct RemoteAddress: Sendable, Hashable, CustomStringConvertible {
    /// In network byte order: 4 bytes or 16.
    public let bytes: [UInt8]
    public let description: String

    /// nil for what is no IP address.
    init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        let isV6 = address.protocol == .inet6
        var all = [UInt8](repeating: 0, count: isV6 ? 16 : 4)
        guard unsafe inet_pton(isV6 ? AF_INET6 : AF_INET, text, &all) == 1 else { return nil }
        let isMapped = isV6 && all.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        bytes = isMapped ? Array(all.suffix(4)) : all
        description = isMapped ? Self.dotted(all.suffix(4)) : text
    }

    private static func dotted(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { String($0) }.joined(separator: ".")
    }
}
