// SPDX-License-Identifier: Apache-2.0
internal import WGMConfigFile
internal import WGMModel

/// Files as wg-quick reads them.
///
/// What is read says the same after it was written and read again, every mistake has a place that the file has, and
/// comments make valid names that differ.
struct QuickFile: FuzzTarget {
    static let name = "quick-file"

    init() {}

    func run(_ input: [UInt8]) throws {
        let file: ConfigurationFile
        do throws(ConfigurationMistakes) {
            file = try ConfigurationParser.parse(input.span)
        } catch {
            return try check(error.findings, input, atLeast: 1)
        }
        try check(file.warnings, input, atLeast: 0)
        let written = Self.written(file, input)
        let again: ConfigurationFile
        do throws(ConfigurationMistakes) {
            again = try ConfigurationParser.parse(written.span)
        } catch {
            throw Finding(description: "what was written is refused: \(error.findings)")
        }
        let twice = Self.written(again, written)
        try require(
            twice == written,
            "written a second time the file differs: \(String(decoding: twice, as: UTF8.self))"
        )
        try require(again.warnings.isEmpty, "what was written has a warning: \(again.warnings)")
        try checkNames(file)
    }

    private static func written(_ file: ConfigurationFile, _ source: [UInt8]) -> [UInt8] {
        file.written().flatMap { piece in
            switch piece {
            case .text(let text): Array(text.utf8)
            case .secret(let place): source[place.range].filter { $0 > 0x20 }
            }
        }
    }

    private func check(_ findings: [WGMConfigFile.Finding], _ input: [UInt8], atLeast count: Int) throws {
        try require(findings.count >= count, "refused without a reason")
        let lines = input.split(separator: 0x0a, omittingEmptySubsequences: false)
        for finding in findings {
            try require(lines.indices.contains(finding.place.line - 1), "there is no \(finding.place)")
            let width = lines[finding.place.line - 1].count + 1
            try require((1...width).contains(finding.place.column), "there is no \(finding.place)")
        }
    }

    private func checkNames(_ file: ConfigurationFile) throws {
        var names = PeerNames()
        var taken: Set<ObjectName> = []
        for peer in file.peers {
            guard let key = peer.publicKey else { continue }
            let name = names.name(from: peer.name?.value, key: key.value)
            try require(taken.insert(name).inserted, "two peers are called \(name)")
        }
    }
}
