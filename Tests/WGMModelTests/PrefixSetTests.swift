// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@Suite("A set of prefixes")
struct PrefixSetTests {
    private let sorted = ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32"].compactMap { IPPrefix($0) }

    @Test("is sorted and holds each once, in whatever order they came")
    func order() {
        let set = PrefixSet(sorted)
        #expect(Array(set) == sorted)
        #expect(PrefixSet(sorted.reversed()) == set)
        #expect(PrefixSet(sorted + sorted) == set)
        #expect(PrefixSet(sorted.shuffled() + sorted.prefix(1)).hashValue == set.hashValue)
    }

    @Test("knows what it holds", arguments: 0...4)
    func contains(count: Int) {
        let set = PrefixSet(sorted.prefix(count))
        #expect(sorted.map(set.contains) == (0..<4).map { $0 < count })
        #expect(PrefixSet(sorted).subtracting(set) == Array(sorted.dropFirst(count)))
        #expect(set.subtracting(PrefixSet(sorted)).isEmpty)
    }

    @Test("takes in more, some of which it has")
    func union() {
        #expect(PrefixSet(sorted.prefix(3)).union(sorted.reversed()) == PrefixSet(sorted))
        #expect(PrefixSet([]).union([]) == [])
    }

    @Test("stays sorted when one comes or goes", arguments: 0..<4)
    func single(place: Int) {
        var set = PrefixSet(sorted)
        set.insert(sorted[place])
        #expect(Array(set) == sorted)
        set.remove(sorted[place])
        set.remove(sorted[place])
        #expect(set.count == 3 && !set.contains(sorted[place]))
        set.insert(sorted[place])
        #expect(Array(set) == sorted)
    }
}
