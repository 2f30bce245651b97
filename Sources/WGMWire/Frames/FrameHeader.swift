// SPDX-License-Identifier: Apache-2.0

/// What a frame is.
///
/// Types below 0x80 must be understood, others may be skipped.
public enum FrameType: UInt8, Sendable, CaseIterable {
    case hello = 1
    case auth = 2
    case authed = 3
    case call = 4
    case data = 5
    case end = 6
    case cancel = 7
    case window = 8
    case ping = 9
    case goaway = 10

    public var name: String {
        switch self {
        case .hello: "HELLO"
        case .auth: "AUTH"
        case .authed: "AUTHED"
        case .call: "CALL"
        case .data: "DATA"
        case .end: "END"
        case .cancel: "CANCEL"
        case .window: "WINDOW"
        case .ping: "PING"
        case .goaway: "GOAWAY"
        }
    }

    /// True for frames that speak about the connection and therefore stand on stream 0.
    var isAboutConnection: Bool {
        switch self {
        case .hello, .auth, .authed, .ping, .goaway: true
        case .call, .data, .end, .cancel, .window: false
        }
    }

    /// The flags that are defined; WINDOW's stream may be 0 or not, all its flags are reserved.
    var definedFlags: FrameFlags {
        switch self {
        case .call: [.endStream, .hasMessage]
        case .data: [.endStream, .hasMessage, .more]
        case .end: .hasMessage
        case .ping: .ack
        case .hello, .auth, .authed, .cancel, .window, .goaway: []
        }
    }
}

/// The flag bits of a frame; what a bit means depends on the type.
public struct FrameFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// CALL, DATA: the client's last frame on this stream.
    public static let endStream = FrameFlags(rawValue: 0x01)
    /// CALL, DATA, END: there is a message, be it empty.
    public static let hasMessage = FrameFlags(rawValue: 0x02)
    /// DATA: the message goes on in the next DATA.
    public static let more = FrameFlags(rawValue: 0x04)
    /// PING: the answer to a PING.
    public static let ack = FrameFlags(rawValue: 0x01)
}

/// The twelve bytes before each payload, big-endian: length, stream, type, flags, aux.
public struct FrameHeader: Hashable, Sendable {
    public static let byteCount = 12
    /// Bit 31 of the stream is reserved.
    public static let lastPossibleStream: UInt32 = 0x7fff_ffff
    /// The top byte of the length is 0.
    static let longestPayload = 0xff_ffff

    /// Bytes of payload.
    public var length: UInt32
    public var stream: UInt32
    /// A raw `FrameType`, known or not.
    public var type: UInt8
    public var flags: FrameFlags
    /// CALL: the slot of the token.
    ///
    /// Otherwise 0.
    public var aux: UInt16

    public init(type: FrameType, stream: UInt32 = 0, flags: FrameFlags = [], aux: UInt16 = 0, length: UInt32 = 0) {
        self.length = length
        self.stream = stream
        self.type = type.rawValue
        self.flags = flags
        self.aux = aux
    }

    /// nil when there are fewer than twelve bytes.
    public init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= Self.byteCount else { return nil }
        let (numbers, rest) = unsafe bytes.withUnsafeBytes { bytes in
            unsafe (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            )
        }
        length = UInt32(truncatingIfNeeded: numbers >> 32)
        stream = UInt32(truncatingIfNeeded: numbers)
        type = UInt8(truncatingIfNeeded: rest >> 24)
        flags = FrameFlags(rawValue: UInt8(truncatingIfNeeded: rest >> 16))
        aux = UInt16(truncatingIfNeeded: rest)
    }

    /// Flags and length of a DATA frame make sense together.
    var isSoundData: Bool {
        if flags == .endStream { return length == 0 }
        return flags.contains(.hasMessage) && (!flags.contains(.more) || !flags.contains(.endStream) && length > 0)
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(self, length: length)
        return bytes
    }
}

extension [UInt8] {
    /// Adds one frame.
    ///
    /// The payload's length was bounded where it was made.
    mutating func append(_ header: FrameHeader, payload: [UInt8]) {
        append(header, length: UInt32(payload.count))
        append(contentsOf: payload)
    }

    mutating func append(_ header: FrameHeader, slice: ArraySlice<UInt8>) {
        append(header, length: UInt32(slice.count))
        append(contentsOf: slice)
    }

    fileprivate mutating func append(_ header: FrameHeader, length: UInt32) {
        let numbers = (UInt64(length) << 32 | UInt64(header.stream)).bigEndian
        let rest = UInt32(header.type) << 24 | UInt32(header.flags.rawValue) << 16 | UInt32(header.aux)
        unsafe Swift.withUnsafeBytes(of: numbers) { unsafe append(contentsOf: $0) }
        unsafe Swift.withUnsafeBytes(of: rest.bigEndian) { unsafe append(contentsOf: $0) }
    }
}
