// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMConfigFile

/// Random numbers that a failing run can repeat.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func step(_ input: [UInt8], _ other: [UInt8]) -> [UInt8] {
        guard let index = input.indices.randomElement(using: &self) else { return other }
        var bytes = input
        switch Int.random(in: 0..<6, using: &self) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &self)
        case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
        case 2: bytes.insert(Array("\n\r\t #=[],:/%".utf8).randomElement(using: &self) ?? 0, at: index)
        case 3: bytes.remove(at: index)
        case 4: bytes.insert(contentsOf: other.suffix(Int.random(in: 0...other.count, using: &self)), at: index)
        default: bytes.removeSubrange(index...)
        }
        return bytes
    }
}

@Suite("Files that nobody has written")
struct NeighbourTests {
    @Test("20 000 neighbours of the corpus are refused at places that they have, or mean the same when written again")
    func neighbours() throws {
        let seeds = try CorpusFile.all.map { try $0.bytes() }
        var random = SeededGenerator(state: 5)
        var accepted = 0
        for round in 0..<20_000 {
            var input = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                input = random.step(input, seeds.randomElement(using: &random) ?? [])
            }
            switch Reading(input) {
            case .refused(let mistakes):
                let lines = input.split(separator: 0x0a, omittingEmptySubsequences: false)
                let arePlaces = mistakes.findings.allSatisfy { finding in
                    lines.indices.contains(finding.place.line - 1)
                        && (1...lines[finding.place.line - 1].count + 1).contains(finding.place.column)
                }
                try #require(arePlaces && !mistakes.findings.isEmpty, "round \(round)")
            case .accepted(let file):
                accepted += 1
                let written = file.exported(from: input)
                let again = try ConfigurationParser.parse(written.span)
                try #require(again.meaning(written) == file.meaning(input), "round \(round)")
            }
        }
        #expect(accepted > 1000)
    }
}
