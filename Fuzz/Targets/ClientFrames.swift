// SPDX-License-Identifier: Apache-2.0
internal import WGMWire

/// A server's bytes at the client's end of a connection with three calls, one of them given up.
///
/// However they are cut into reads, the same happens; each call ends at most once.
struct ClientFrames: FuzzTarget {
    static let name = "client-frames"
    static let shape = InputShape.frames

    init() {}

    func run(_ input: [UInt8]) throws {
        let whole = try Self.talk(input, pieces: input.count + 1)
        let split = try Self.talk(input, pieces: 1 + input.count % 5)
        try require(whole.events == split.events, "something else happens when the bytes come in pieces")
        try require(whole.output == split.output, "other answers when the bytes come in pieces")
        try require(Set(whole.ended).count == whole.ended.count, "a call has ended twice")
        try require(Set(whole.ended).isSubset(of: [1, 3, 5]), "a call that was not made has ended")
        _ = try SentFrame.all(after: 8, in: whole.output)
    }

    private static func talk(
        _ input: [UInt8],
        pieces size: Int
    ) throws -> (events: [String], ended: [UInt32], output: [UInt8]) {
        var client = ClientConnection(limits: .client, agent: "fuzz")
        try client.authenticate(slot: 1, token: "good")
        for method in ["a.B/C", "a.B/D", "a.B/E"] {
            _ = try client.call(ClientConnection.Call(method: method, message: [], slot: 1))
        }
        client.cancel(3)
        var events: [String] = []
        var ended: [UInt32] = []
        for start in stride(from: 0, to: input.count, by: size) {
            let piece = Array(input[start..<min(start + size, input.count)])
            unsafe client.receive(piece.span.bytes)
            while let event = client.nextEvent() {
                events.append("\(event)")
                if case .ended(let stream, _) = event { ended.append(stream) }
            }
        }
        return (events, ended, client.takeOutput())
    }
}
