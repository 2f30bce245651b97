// SPDX-License-Identifier: Apache-2.0

/// How the bytes of an input are put together.
package enum InputShape: Sendable {
    case bytes
    /// A preface of 8 bytes, then frames.
    case frames
    /// The name of a message of the schema, LF, its fields.
    case message
    /// Packets, each behind its length in two bytes.
    case packets
}

/// Random numbers from a seed that the fuzzer gives, so that a mutation can be repeated.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}

extension InputShape {
    /// A neighbour of the input; nil when it cannot be taken apart, or when bytes are to change whatever they mean.
    ///
    /// `mutate` changes bytes whose meaning does not matter.
    package func neighbour(
        of input: [UInt8],
        _ random: inout SeededGenerator,
        mutate: ([UInt8]) -> [UInt8]
    ) -> [UInt8]? {
        guard Int.random(in: 0..<8, using: &random) > 0 else { return nil }
        switch self {
        case .bytes: return nil
        case .frames: return Frames(input).map { frames in frames.neighbour(&random, mutate: mutate).bytes }
        case .message: return NamedMessage(input).map { named in named.neighbour(&random, mutate: mutate).bytes }
        case .packets: return Packets(input).map { packets in packets.neighbour(&random, mutate: mutate).bytes }
        }
    }
}

extension Array {
    /// Removes, repeats, moves or changes one element.
    mutating func disturb(_ random: inout SeededGenerator, change: (inout Element, inout SeededGenerator) -> Void) {
        guard let index = indices.randomElement(using: &random) else { return }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: remove(at: index)
        case 1: insert(self[index], at: Int.random(in: 0...count, using: &random))
        case 2: swapAt(index, Int.random(in: 0..<count, using: &random))
        default: change(&self[index], &random)
        }
    }
}
