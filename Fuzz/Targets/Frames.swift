// SPDX-License-Identifier: Apache-2.0
internal import WGMWire

/// A conversation taken apart into frames.
struct Frames {
    fileprivate struct Frame {
        /// The header without its length.
        var header: [UInt8]
        var payload: [UInt8]
        /// Added to the length that the header announces.
        var lie = 0
    }

    private var preface: [UInt8]
    fileprivate var frames: [Frame] = []
    /// What is no whole frame.
    private var rest: [UInt8]

    init?(_ input: [UInt8]) {
        guard input.count >= 8 else { return nil }
        preface = Array(input.prefix(8))
        var rest = input.dropFirst(8)
        while rest.count >= 12 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard length <= rest.count - 12 else { break }
            let header = Array(rest.dropFirst(4).prefix(8))
            frames.append(Frame(header: header, payload: Array(rest.dropFirst(12).prefix(length))))
            rest = rest.dropFirst(12 + length)
        }
        self.rest = Array(rest)
    }

    var bytes: [UInt8] {
        frames.reduce(preface) { bytes, frame in
            let length = UInt32(clamping: frame.payload.count + frame.lie)
            return bytes + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + frame.header
                + frame.payload
        } + rest
    }

    func neighbour(_ random: inout SeededGenerator, mutate: ([UInt8]) -> [UInt8]) -> Frames {
        var copy = self
        if Int.random(in: 0..<50, using: &random) == 0 { copy.preface = Array(mutate(preface).prefix(8)) }
        if Int.random(in: 0..<4, using: &random) == 0 { copy.rest = [] }
        copy.frames.disturb(&random) { $0.change(&$1, mutate) }
        return copy
    }
}

extension Frames.Frame {
    mutating func change(_ random: inout SeededGenerator, _ mutate: ([UInt8]) -> [UInt8]) {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: setStream(UInt32.random(in: 0...9, using: &random))
        case 1: setStream(stream &+ 2)
        case 2: header[4] = UInt8.random(in: 0...11, using: &random)
        case 3: header[5] = UInt8.random(in: 0...7, using: &random)
        case 4: header[7] = UInt8.random(in: 0...9, using: &random)
        case 5: header[Int.random(in: 0..<8, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 6: lie = Int.random(in: -3...3, using: &random)
        case 7: payload = Array(payload.prefix(Int.random(in: 0...payload.count, using: &random)))
        case 8: payload = mutate(payload)
        default: payload = Fields(payload)?.neighbour(&random, mutate: mutate).bytes ?? mutate(payload)
        }
    }

    private var stream: UInt32 { header[..<4].reduce(0) { $0 << 8 | UInt32($1) } }

    private mutating func setStream(_ stream: UInt32) {
        for index in 0..<4 { header[index] = UInt8(truncatingIfNeeded: stream >> (24 - 8 * index)) }
    }
}

/// Packets of the keeper, each behind its length in two bytes.
struct Packets {
    private(set) var packets: [[UInt8]] = []

    init?(_ input: [UInt8]) {
        var rest = input[...]
        while rest.count >= 2 {
            let length = rest.prefix(2).reduce(0) { $0 << 8 | Int($1) }
            packets.append(Array(rest.dropFirst(2).prefix(length)))
            rest = rest.dropFirst(2 + length)
        }
        if packets.isEmpty { return nil }
    }

    var bytes: [UInt8] {
        packets.flatMap { packet in
            let length = UInt16(clamping: packet.count)
            return [UInt8(length >> 8), UInt8(length & 0xff)] + packet.prefix(Int(length))
        }
    }

    func neighbour(_ random: inout SeededGenerator, mutate: ([UInt8]) -> [UInt8]) -> Packets {
        var copy = self
        copy.packets.disturb(&random) { packet, _ in packet = mutate(packet) }
        return copy
    }
}
