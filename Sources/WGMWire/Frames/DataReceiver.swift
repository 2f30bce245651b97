// SPDX-License-Identifier: Apache-2.0

/// The credit that the other side has for DATA to us, on one stream or on the connection.
struct ReceiveWindow {
    private let size: Int
    private var left: Int
    private var owed = 0

    init(size: Int) {
        self.size = size
        left = size
    }

    /// False when the credit does not cover it.
    mutating func spend(_ cost: Int) -> Bool {
        guard cost <= left else { return false }
        left -= cost
        return true
    }

    /// What is to be granted now; nil while it is not worth a frame.
    mutating func giveBack(_ cost: Int) -> UInt32? {
        owed += cost
        guard owed > size / 2 else { return nil }
        defer { owed = 0 }
        left += owed
        return UInt32(clamping: owed)
    }
}

/// DATA that arrives: puts messages together and keeps account of the credit.
///
/// What it holds is bounded: for each stream one window, and one message that is larger than its window; for all messages that
/// nobody can use yet, the room of the connection and of the server.
struct DataReceiver {
    enum Arrival {
        /// A part, or no message at all.
        case nothing
        /// `cost` is given back by `used`.
        case message([UInt8], cost: Int)
        /// The message exceeds its limit.
        case tooLarge
        /// Other incomplete messages take up all the memory that there is for them.
        case noRoom
    }

    private struct Stream {
        var window: ReceiveWindow
        let limit: Int
        /// A complete message, too, waits here for the end of the request.
        let isCollected: Bool
        /// What its incomplete message has of the room.
        var charge = 0
        /// What the call itself has of it while the request goes on.
        let callCharge: Int
        var partial: [UInt8] = []
        var isPartial = false
        /// Cost of the parts that was not given back.
        var partialCost = 0
        /// Whole messages that nobody has used yet.
        var unread = 0
        /// Cost of everything that was not given back.
        var held = 0
        var isEnded = false
    }

    private let streamWindow: Int
    private let share: AssemblyShare
    /// So do clients: a stream that nobody reads then holds up no other.
    private let givesConnectionOnArrival: Bool
    private var connection: ReceiveWindow
    private var streams: [UInt32: Stream] = [:]

    init(_ limits: WireLimits, room: AssemblyRoom? = nil, givesConnectionOnArrival: Bool) {
        streamWindow = limits.initialWindow
        share = AssemblyShare(of: room, limit: limits.assembly)
        self.givesConnectionOnArrival = givesConnectionOnArrival
        connection = ReceiveWindow(size: limits.connectionWindow)
    }

    func isOpen(_ stream: UInt32) -> Bool { streams[stream] != nil }

    /// Parts of a message have come, and it is not complete.
    func isInMessage(_ stream: UInt32) -> Bool { streams[stream]?.isPartial ?? false }

    /// Messages of at most `limit` bytes are expected.
    mutating func open(_ stream: UInt32, limit: Int) {
        let window = ReceiveWindow(size: streamWindow)
        streams[stream] = Stream(window: window, limit: limit, isCollected: false, callCharge: 0)
    }

    /// A message of at most `limit` bytes is expected, which is used at the end of the request only, and so is the call of
    /// `call` bytes that waits for it; false when there is no room for that.
    mutating func openCollected(_ stream: UInt32, limit: Int, call: Int) -> Bool {
        guard share.take(call) else { return false }
        let window = ReceiveWindow(size: streamWindow)
        streams[stream] = Stream(window: window, limit: limit, isCollected: true, callCharge: call)
        return true
    }

    /// Takes a frame for a stream that is open; its flags have been judged.
    mutating func take(
        _ header: FrameHeader,
        _ payload: ArraySlice<UInt8>,
        into output: inout [UInt8]
    ) throws(ConnectionFault) -> Arrival {
        guard let index = streams.index(forKey: header.stream) else { return .nothing }
        let cost = header.dataCost
        guard connection.spend(cost), streams.values[index].window.spend(cost) else { throw .overCredit(header) }
        guard !streams.values[index].isEnded else {
            throw ConnectionFault(.protocolError, "DATA: stream \(header.stream) has had its END_STREAM")
        }
        streams.values[index].isEnded = header.flags.contains(.endStream)
        guard header.flags.contains(.hasMessage) else {
            guard !streams.values[index].isPartial else {
                throw ConnectionFault(.protocolError, "DATA: END_STREAM in the middle of a message")
            }
            return .nothing
        }
        if givesConnectionOnArrival { giveConnection(cost, &output) } else { streams.values[index].held += cost }
        return add(payload, cost, isLast: !header.flags.contains(.more), to: index, &output)
    }

    private mutating func add(
        _ payload: ArraySlice<UInt8>,
        _ cost: Int,
        isLast: Bool,
        to index: Dictionary<UInt32, Stream>.Index,
        _ output: inout [UInt8]
    ) -> Arrival {
        let size = streams.values[index].partial.count + payload.count
        guard size <= streams.values[index].limit else { return .tooLarge }
        guard isLast && !streams.values[index].isCollected || makeRoom(for: size, index) else { return .noRoom }
        streams.values[index].partialCost += cost
        guard isLast else {
            streams.values[index].partial.append(contentsOf: payload)
            streams.values[index].isPartial = true
            if streams.values[index].unread == 0 { giveParts(index, &output) }
            return .nothing
        }
        var message: [UInt8] = []
        swap(&message, &streams.values[index].partial)
        message.append(contentsOf: payload)
        streams.values[index].isPartial = false
        if !streams.values[index].isCollected { giveRoom(index) }
        let owed = streams.values[index].partialCost
        streams.values[index].partialCost = 0
        streams.values[index].unread += 1
        return .message(message, cost: owed)
    }

    /// Gives the message that is put together memory for `size` bytes; false when there is none for it.
    ///
    /// It grows in steps, so that not every part is copied, and what it takes is what is counted.
    private mutating func makeRoom(for size: Int, _ index: Dictionary<UInt32, Stream>.Index) -> Bool {
        let charge = streams.values[index].charge
        guard size > charge else { return true }
        var wanted = min(streams.values[index].limit, max(size, 2 * charge, 4096))
        if !share.take(wanted - charge) {
            wanted = size
            guard share.take(wanted - charge) else { return false }
        }
        streams.values[index].charge = wanted
        streams.values[index].partial.reserveCapacity(wanted)
        return true
    }

    private mutating func giveRoom(_ index: Dictionary<UInt32, Stream>.Index) {
        share.give(streams.values[index].charge)
        streams.values[index].charge = 0
    }

    /// A message was used; what it cost may be spent again.
    mutating func used(_ stream: UInt32, cost: Int, into output: inout [UInt8]) {
        guard let index = streams.index(forKey: stream) else { return }
        streams.values[index].unread -= 1
        give(cost, index, &output)
        if streams.values[index].unread == 0 { giveParts(index, &output) }
    }

    /// A frame for a stream that has ended: it costs the connection's credit, at once given back.
    mutating func drop(_ header: FrameHeader, into output: inout [UInt8]) throws(ConnectionFault) {
        guard connection.spend(header.dataCost) else { throw .overCredit(header) }
        giveConnection(header.dataCost, &output)
    }

    /// The stream has ended; nobody will use what is left of it.
    mutating func close(_ stream: UInt32, into output: inout [UInt8]) {
        guard !streams.isEmpty, let closed = streams.removeValue(forKey: stream) else { return }
        share.give(closed.charge + closed.callCharge)
        giveConnection(closed.held, &output)
    }

    private mutating func giveParts(_ index: Dictionary<UInt32, Stream>.Index, _ output: inout [UInt8]) {
        let cost = streams.values[index].partialCost
        streams.values[index].partialCost = 0
        give(cost, index, &output)
    }

    private mutating func give(_ cost: Int, _ index: Dictionary<UInt32, Stream>.Index, _ output: inout [UInt8]) {
        // After END_STREAM there is nothing left to pay for.
        if !streams.values[index].isEnded, let credit = streams.values[index].window.giveBack(cost) {
            output.appendWindow(streams.keys[index], credit)
        }
        guard !givesConnectionOnArrival else { return }
        streams.values[index].held -= cost
        giveConnection(cost, &output)
    }

    private mutating func giveConnection(_ cost: Int, _ output: inout [UInt8]) {
        if let credit = connection.giveBack(cost) { output.appendWindow(0, credit) }
    }
}

extension FrameHeader {
    /// What a DATA frame takes from the credit of its stream and of the connection.
    var dataCost: Int { flags.contains(.hasMessage) ? Self.byteCount + Int(length) : 0 }
}

extension ConnectionFault {
    fileprivate static func overCredit(_ header: FrameHeader) -> ConnectionFault {
        ConnectionFault(.protocolError, "DATA: \(header.dataCost) on stream \(header.stream) are more than the credit")
    }
}

extension [UInt8] {
    fileprivate mutating func appendWindow(_ stream: UInt32, _ credit: UInt32) {
        let payload = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: credit >> $0) }
        append(FrameHeader(type: .window, stream: stream), payload: payload)
    }
}
