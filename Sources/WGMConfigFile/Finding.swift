// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Something that is wrong, or looks wrong, at a place of the file.
package struct Finding: Hashable, Sendable {
    package var place: Place
    package var matter: Matter

    package init(_ place: Place, _ matter: Matter) {
        self.place = place
        self.matter = matter
    }

    /// What it is, without any value of a line that could hold a key.
    package enum Matter: Hashable, Sendable {
        // MARK: Mistakes
        case noSection
        case unknownSection
        case noSetting
        case unknownSetting(String, section: String)
        case noValue(String)
        case zeroByte
        case malformedKey(String)
        case malformedValue(String, rule: String)
        case noPublicKey
        // MARK: Warnings
        case byteOrderMark
        case repeated(String, first: Place)
        case hostBits(IPPrefix)
    }
}

extension Finding.Matter: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noSection: "a setting before any [Interface] or [Peer]"
        case .unknownSection: "the sections are [Interface] and [Peer]"
        case .noSetting: "a setting is a name, = and a value"
        case .unknownSetting(let name, let section): "\"\(name)\" is no setting of [\(section)]"
        case .noValue(let name): "\(name) has no value"
        case .zeroByte: "the line holds a zero byte"
        case .malformedKey(let name): "\(name) is not a key: 32 bytes as 44 characters of base64"
        case .malformedValue(let name, let rule): "\(name) must be \(rule)"
        case .noPublicKey: "the peer has no PublicKey"
        case .byteOrderMark: "the file starts with a byte order mark, which wg refuses"
        case .repeated(let name, let first): "\(name) was set at \(first) already; this one counts"
        case .hostBits(let prefix): "bits are set behind the length: taken as \(prefix), as WireGuard does"
        }
    }
}

/// Why a file was refused: every mistake, in the order of the file.
package struct ConfigurationMistakes: Error, Hashable, Sendable {
    /// More are only counted.
    package static let limit = 1000
    package private(set) var findings: [Finding] = []
    package private(set) var leftOut = 0

    package init() {}

    mutating func add(_ finding: Finding) {
        if findings.count < Self.limit { findings.append(finding) } else { leftOut += 1 }
    }

    mutating func sort() { findings.sort { $0.place < $1.place } }
}
