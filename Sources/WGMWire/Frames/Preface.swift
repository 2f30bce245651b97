// SPDX-License-Identifier: Apache-2.0

/// The first eight bytes of each side: 0x89 "WGM", major, minor, CR LF.
public struct Preface: Hashable, Sendable {
    public static let byteCount = 8
    /// What this implementation speaks.
    public static let current = Preface(major: 1, minor: 0)
    private static let magic: [UInt8] = [0x89, 0x57, 0x47, 0x4d]
    private static let tail: [UInt8] = [0x0d, 0x0a]

    public let major: UInt8
    public let minor: UInt8

    public init(major: UInt8, minor: UInt8) {
        self.major = major
        self.minor = minor
    }

    public var bytes: [UInt8] { Self.magic + [major, minor] + Self.tail }

    /// What the bytes received so far are.
    enum Reading: Equatable {
        case incomplete
        case foreign
        case whole(Preface)
    }

    /// Judges the first bytes of a connection; a foreign protocol is recognised at its first wrong byte.
    static func read(_ bytes: some RandomAccessCollection<UInt8>) -> Reading {
        let start = Array(bytes.prefix(byteCount))
        for (index, byte) in start.enumerated() {
            let expected: UInt8? = index < 4 ? magic[index] : index < 6 ? nil : tail[index - 6]
            if let expected, byte != expected { return .foreign }
        }
        return start.count < byteCount ? .incomplete : .whole(Preface(major: start[4], minor: start[5]))
    }
}
