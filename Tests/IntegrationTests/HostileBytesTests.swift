// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Hostile bytes end one connection and nothing else")
struct HostileBytesTests {
    private static let preface: [UInt8] = [0x89, 0x57, 0x47, 0x4D, 1, 0, 0x0D, 0x0A]

    /// What is sent first on a new connection.
    enum Opening: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case http, garbage, otherMagic, otherMajor, hugeLength, reservedBit, truncatedFrame, callBeforeHello, nothing

        var testDescription: String { rawValue }

        var bytes: [UInt8] {
            switch self {
            case .http: Array("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n".utf8)
            case .garbage: (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
            case .otherMagic: [0x16, 0x03, 0x01, 0x02, 0, 1, 0, 1]
            case .otherMajor: [0x89, 0x57, 0x47, 0x4D, 99, 0, 0x0D, 0x0A]
            case .hugeLength: preface + [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 0, 0, 0]
            case .reservedBit: preface + [0, 0, 0, 0, 0x80, 0, 0, 0, 1, 0, 0, 0]
            case .truncatedFrame: preface + [0, 0, 0, 100, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3]
            case .callBeforeHello: preface + [0, 0, 0, 2, 0, 0, 0, 1, 4, 1, 0, 0, 0x0a, 0]
            case .nothing: []
            }
        }
    }

    @Test("A connection that does not speak the protocol is closed soon", arguments: Opening.allCases)
    func isClosed(opening: Opening) async throws {
        let gateway = try await Gateway.shared.value
        let connection = try RawConnection(path: gateway.socket)
        connection.send(opening.bytes)
        #expect(connection.readToEnd(seconds: 15) != nil)
        #expect(try gateway.control("peer", "list", "wg0").code == 0)
    }

    @Test("An honest client is served beside half-open and slow ones")
    func honestClientIsServed() async throws {
        let gateway = try await Gateway.shared.value
        let openings: [[UInt8]] = [[], Array(Self.preface.prefix(3)), Self.preface, Opening.truncatedFrame.bytes]
        let hostile = try (0..<40).map { index in
            let connection = try RawConnection(path: gateway.socket)
            connection.send(openings[index % openings.count])
            return connection
        }
        #expect(try gateway.control("peer", "list", "wg0").code == 0)
        #expect(hostile.allSatisfy { $0.readToEnd(seconds: 15) != nil })
    }
}
