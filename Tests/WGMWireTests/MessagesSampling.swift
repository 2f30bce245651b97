// SPDX-License-Identifier: Apache-2.0
import WGMWire

/// A reproducible source of random values (SplitMix64).
struct SampleSource: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func maybe<T: Sampled>(_ type: T.Type) -> T? {
        Bool.random(using: &self) ? T.sample(&self) : nil
    }

    mutating func list<T: Sampled>(_ type: T.Type) -> [T] {
        (0..<Int.random(in: 0...4, using: &self)).map { _ in T.sample(&self) }
    }

    mutating func bytes(upTo count: Int) -> [UInt8] {
        (0..<Int.random(in: 0...count, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// A type with random values, its edges among them.
protocol Sampled {
    static func sample(_ random: inout SampleSource) -> Self
}

/// A message with random values.
protocol SampledMessage: WireMessage, Sampled {}

/// An enum with random values, unknown ones among them.
protocol SampledEnum: WireEnum, Sampled {}

extension SampledEnum {
    static func sample(_ random: inout SampleSource) -> Self {
        let unknown = Self(rawValue: Int32.sample(&random))
        return Bool.random(using: &random) ? unknown : allCases.randomElement(using: &random) ?? unknown
    }
}

extension FixedWidthInteger {
    static func sample(_ random: inout SampleSource) -> Self {
        switch Int.random(in: 0...5, using: &random) {
        case 0: 0
        case 1: .max
        case 2: .min
        case 3: 127
        case 4: 128
        default: .random(in: .min ... .max, using: &random)
        }
    }
}

extension Int32: Sampled {}
extension Int64: Sampled {}
extension UInt32: Sampled {}
extension UInt64: Sampled {}

extension Bool: Sampled {
    static func sample(_ random: inout SampleSource) -> Bool { .random(using: &random) }
}

extension [UInt8]: Sampled {
    static func sample(_ random: inout SampleSource) -> [UInt8] { random.bytes(upTo: 40) }
}

extension String: Sampled {
    static func sample(_ random: inout SampleSource) -> String {
        let pieces = ["", "wg0", "é", "€", "😀", "\u{10FFFF}", "\u{7FF}\u{800}", "a/b\"\\\n", "\u{D7FF}\u{E000}", "x"]
        let count = Int.random(in: 0...12, using: &random)
        return (0..<count).compactMap { _ in pieces.randomElement(using: &random) }.joined()
    }
}

/// Bytes of a message written by hand, well formed or not.
struct RawMessage {
    var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    func number(_ field: UInt64, _ value: UInt64) -> RawMessage {
        var copy = self
        copy.varint(field << 3)
        copy.varint(value)
        return copy
    }

    func content(_ field: UInt64, _ content: [UInt8]) -> RawMessage {
        var copy = self
        copy.varint(field << 3 | 2)
        copy.varint(UInt64(content.count))
        copy.bytes += content
        return copy
    }

    func raw(_ more: [UInt8]) -> RawMessage {
        RawMessage(bytes: bytes + more)
    }
}

/// Why reading fails; nil when it does not.
func refusal<M: WireMessage>(of bytes: [UInt8], as type: M.Type) -> MessageError? {
    do throws(MessageError) {
        _ = try M(serialized: bytes)
        return nil
    } catch {
        return error
    }
}
