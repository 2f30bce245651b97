// SPDX-License-Identifier: Apache-2.0
import FuzzTargets
import Testing

@Suite("Fuzzing: what is known")
struct SeedTests {
    @Test("Every seed of every target keeps the target's promises", arguments: fuzzTargets.map { $0.name })
    func seeds(name: String) throws {
        let type = try #require(fuzzTargets.first { $0.name == name })
        var target = try type.init()
        let seeds = try Seeds(of: type).inputs
        #expect(!seeds.isEmpty)
        for (place, bytes) in seeds {
            #expect(throws: Never.self, "\(place)") { try target.run(bytes) }
        }
    }

    @Test("20 000 neighbours of the seeds keep the target's promises", arguments: fuzzTargets.map { $0.name })
    func neighbours(name: String) throws {
        let type = try #require(fuzzTargets.first { $0.name == name })
        var target = try type.init()
        let seeds = try Seeds(of: type).inputs.map(\.bytes)
        var random = SeededGenerator(seed: 4)
        for round in 0..<20_000 {
            let seed = try #require(seeds.randomElement(using: &random))
            let input = type.neighbour(of: seed, &random)
            do { try target.run(input) } catch {
                Issue.record("round \(round): \(error): \(input)")
                return
            }
        }
    }
}

extension FuzzTarget {
    /// One to three steps away from the seed.
    fileprivate static func neighbour(of seed: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var input = seed
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            var own = SeededGenerator(seed: random.next())
            input = shape.neighbour(of: input, &random) { own.mutated($0) } ?? own.mutated(input)
        }
        return input
    }
}

extension SeededGenerator {
    fileprivate mutating func mutated(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        guard let index = bytes.indices.randomElement(using: &self) else {
            return [UInt8.random(in: 0...255, using: &self)]
        }
        switch Int.random(in: 0..<5, using: &self) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &self)
        case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &self), at: index)
        case 3: bytes.remove(at: index)
        default: bytes.removeSubrange(index...)
        }
        return bytes
    }
}
