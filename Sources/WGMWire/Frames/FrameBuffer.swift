// SPDX-License-Identifier: Apache-2.0

/// Bytes that were received and not yet understood.
///
/// It holds at most one unfinished frame, whose header was accepted, and what one read brought; nothing is reserved for
/// bytes that are only announced.
struct FrameBuffer: ~Copyable {
    private static let keptCapacity = 64 * 1024
    private var bytes: [UInt8] = []
    private var start = 0
    /// The header of the frame that is being received, once it has passed the checks.
    private(set) var accepted: FrameHeader?

    var isEmpty: Bool { start == bytes.count && accepted == nil }
    var unread: ArraySlice<UInt8> { bytes[start...] }

    mutating func append(_ input: RawSpan) {
        compact()
        unsafe input.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func drop(_ count: Int) { start += count }

    mutating func dropAll() {
        bytes = []
        start = 0
        accepted = nil
    }

    /// Takes the next frame off when it is whole; `check` judges each header once, as soon as it is there.
    mutating func next(
        check: (FrameHeader) throws(ConnectionFault) -> Void
    ) throws(ConnectionFault) -> (header: FrameHeader, payload: Range<Int>)? {
        if accepted == nil {
            guard let header = FrameHeader(unread) else { return nil }
            try check(header)
            accepted = header
            start += FrameHeader.byteCount
        }
        guard let header = accepted, bytes.count - start >= Int(header.length) else { return nil }
        accepted = nil
        let payload = start..<start + Int(header.length)
        start = payload.upperBound
        return (header, payload)
    }

    /// Parses a payload that `next` gave, before anything is appended.
    func parse<M: WireMessage>(_ payload: Range<Int>, as type: M.Type) -> Result<M, MessageError> {
        // Twice the size covers strings and bytes copied; the rest is for the structures around them.
        let budget = 2 * payload.count + 16 * 1024
        return unsafe bytes.withUnsafeBytes { all in
            do throws(MessageError) {
                return unsafe .success(
                    try M(serialized: UnsafeRawBufferPointer(rebasing: all[payload]), budget: budget)
                )
            } catch {
                return .failure(error)
            }
        }
    }

    func read<Result>(_ payload: Range<Int>, _ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(payload))
    }

    func copy(_ payload: Range<Int>) -> [UInt8] { Array(bytes[payload]) }
    func slice(_ payload: Range<Int>) -> ArraySlice<UInt8> { bytes[payload] }

    private mutating func compact() {
        guard start > 0 else { return }
        if start < bytes.count {
            bytes.removeSubrange(..<start)
        } else if bytes.capacity > Self.keptCapacity {
            bytes = []
        } else {
            bytes.removeAll(keepingCapacity: true)
        }
        start = 0
    }
}
