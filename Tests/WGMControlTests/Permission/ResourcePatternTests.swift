// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WGMControl

@Suite struct ResourcePatternTests {
    @Test(
        "a pattern reads back what it writes",
        arguments: ["**", "*", "a", "a/b/c", "node/*/interface/**", "node/n1/interface/wg0/peer/a@b.c+d-e_f", "*/*/**"]
    )
    func roundTrip(text: String) {
        #expect(ResourcePattern(text)?.description == text)
    }

    @Test(
        "junk is no pattern",
        arguments: [
            "", "/", "/a", "a/", "a//b", "**/a", "a/**/b", "a*", "*a", "***", "a b", "a\n", "a/../b", ".", "..",
            "a/./b",
            "{self}", "a\0", "ü", "a;b", "a?b", "[a]", "a,b", "node/%2e%2e",
            String(repeating: "a/", count: 16) + "a", String(repeating: "a", count: 64),
            String(repeating: "a/", count: 99_999),
        ]
    )
    func junk(text: String) {
        #expect(ResourcePattern(text) == nil)
    }

    /// Sets of paths by enumeration: every path over three names that the patterns below could tell apart.
    ///
    /// The patterns are all those over two names with up to five segments. The third name, which none of them has, stands
    /// for all names that a pattern does not mention; paths are one segment longer than any pattern, for all longer ones.
    private struct Universe {
        var patterns: [ResourcePattern] = []
        var members: [Set<Int>] = []

        init(maxSegments: Int) {
            let paths = Self.words(["a", "b", "z"], upTo: maxSegments + 1)
            let heads = Self.words(["a", "b", "*"], upTo: maxSegments)
            let tails = [["**"]] + Self.words(["a", "b", "*"], upTo: maxSegments - 1).map { $0 + ["**"] }
            for segments in heads + tails {
                guard let pattern = ResourcePattern(segments.joined(separator: "/")) else { continue }
                patterns.append(pattern)
                members.append(Set(paths.indices.filter { Self.matches(segments[...], paths[$0][...]) }))
            }
        }

        static func words(_ alphabet: [String], upTo count: Int) -> [[String]] {
            var all: [[String]] = []
            var last: [[String]] = [[]]
            for _ in 0..<max(count, 0) {
                last = last.flatMap { word in alphabet.map { word + [$0] } }
                all += last
            }
            return all
        }

        /// The definition, read naively.
        static func matches(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
            guard let first = pattern.first else { return path.isEmpty }
            if first == "**" { return !path.isEmpty }
            guard let segment = path.first, first == "*" || first == segment else { return false }
            return matches(pattern.dropFirst(), path.dropFirst())
        }
    }

    @Test("covers says what enumeration says, for every one of 230 000 pairs")
    func coversAgreesWithEnumeration() {
        let universe = Universe(maxSegments: 5)
        let bits = universe.members.map { members -> [UInt64] in
            var words = [UInt64](repeating: 0, count: 18)
            for member in members { words[member / 64] |= 1 << UInt64(member % 64) }
            return words
        }
        var wrong = 0
        var checked = 0
        for parent in universe.patterns.indices {
            for child in universe.patterns.indices {
                let isSubset = zip(bits[child], bits[parent]).allSatisfy { $0 & ~$1 == 0 }
                if universe.patterns[parent].covers(universe.patterns[child]) != isSubset { wrong += 1 }
                checked += 1
            }
        }
        #expect(wrong == 0)
        #expect(checked > 200_000)
    }

    @Test("intersection is what enumeration says")
    func intersectionAgreesWithEnumeration() throws {
        let universe = Universe(maxSegments: 3)
        let sets = Dictionary(uniqueKeysWithValues: zip(universe.patterns, universe.members))
        for (left, leftMembers) in zip(universe.patterns, universe.members) {
            for (right, rightMembers) in zip(universe.patterns, universe.members) {
                let common = left.intersection(right)
                #expect(common == right.intersection(left))
                guard let common else {
                    #expect(leftMembers.isDisjoint(with: rightMembers))
                    continue
                }
                #expect(
                    try #require(sets[common]) == leftMembers.intersection(rightMembers),
                    "\(left) \(right) \(common)"
                )
            }
        }
    }
}
