// SPDX-License-Identifier: Apache-2.0

/// A call that says no more than method, message, time limit and trace context, found in the payload of its frame.
///
/// Nothing is copied: the ranges are places in that payload.
public struct PlainCall: Hashable, Sendable {
    public let stream: UInt32
    /// Of the token; never 0.
    public let slot: Int
    public let method: Range<Int>
    public let message: Range<Int>
    /// Bytes that an answer may have.
    public let mostReply: Int

    /// nil for a call that says more, or anything that is not as it must be: that is for those who read all of it.
    init?(_ payload: Span<UInt8>, _ header: FrameHeader, mostReply: Int) {
        var fields = Fields(payload.count)
        guard fields.read(payload), let method = fields.method, let message = fields.message else { return nil }
        stream = header.stream
        slot = Int(header.aux)
        self.method = method
        self.message = message
        self.mostReply = mostReply
    }
}

/// The fields of `wgm.v1.Call` that a plain call may have, each at most once.
private struct Fields {
    /// Field number and wire type, as the one byte that stands before the value.
    private enum Tag {
        static let method: UInt8 = 1 << 3 | 2
        static let timeout: UInt8 = 2 << 3
        static let traceparent: UInt8 = 5 << 3 | 2
        static let message: UInt8 = 7 << 3 | 2
    }
    var method: Range<Int>?
    var message: Range<Int>?
    private var hasTimeout = false
    private var hasTraceParent = false
    private var place = 0
    private let end: Int

    init(_ count: Int) { end = count }

    mutating func read(_ payload: Span<UInt8>) -> Bool {
        while place < end {
            let tag = payload[place]
            place += 1
            guard readValue(tag, payload) else { return false }
        }
        return true
    }

    private mutating func readValue(_ tag: UInt8, _ payload: Span<UInt8>) -> Bool {
        switch tag {
        case Tag.method:
            guard method == nil, let range = bytes(payload) else { return false }
            method = range
        case Tag.message:
            guard message == nil, let range = bytes(payload) else { return false }
            message = range
        case Tag.traceparent:
            guard !hasTraceParent, let range = bytes(payload) else { return false }
            hasTraceParent = true
            return TraceParent.isValid(payload.extracting(range))
        case Tag.timeout:
            guard !hasTimeout, skipNumber(payload) else { return false }
            hasTimeout = true
        default: return false
        }
        return true
    }

    /// A length of one or two bytes, which is enough for what is answered from its bytes, and so much payload.
    private mutating func bytes(_ payload: Span<UInt8>) -> Range<Int>? {
        guard place < end else { return nil }
        var length = Int(payload[place])
        place += 1
        if length >= 0x80 {
            guard place < end, payload[place] < 0x80 else { return nil }
            length = length & 0x7f | Int(payload[place]) << 7
            place += 1
        }
        guard length <= end - place else { return nil }
        defer { place += length }
        return place..<place + length
    }

    /// Any number of 32 bits: an answer at once is in time for each.
    private mutating func skipNumber(_ payload: Span<UInt8>) -> Bool {
        for index in 0..<5 where place < end {
            let byte = payload[place]
            place += 1
            if byte < 0x80 { return index < 4 || byte < 0x10 }
        }
        return false
    }
}

/// The form of a W3C trace context of version 00.
enum TraceParent {
    private static let count = 55

    /// `00-` 32 hex digits `-` 16 hex digits `-` 2 hex digits, in lower case.
    static func isValid(_ text: Span<UInt8>) -> Bool {
        guard text.count == count else { return false }
        var isWrong = text[0] != UInt8(ascii: "0") || text[1] != UInt8(ascii: "0")
        for index in 0..<count {
            let byte = text[index]
            let isDash = index == 2 || index == 35 || index == 52
            let isHexadecimal = byte &- UInt8(ascii: "0") < 10 || byte &- UInt8(ascii: "a") < 6
            isWrong = isWrong || (isDash ? byte != UInt8(ascii: "-") : !isHexadecimal)
        }
        return !isWrong
    }
}
