// SPDX-License-Identifier: Apache-2.0

/// The connection of a blocking client with what is still to be sent through it.
struct ClientLink: ~Copyable {
    private let socket: any ByteStream
    private var pending: [UInt8] = []
    private var pendingStart = 0
    /// Sending failed; what the server said before that may still be read.
    private var cannotSend = false
    /// Nothing more can be received.
    private(set) var isOver = false
    /// Bytes that were ever queued.
    private(set) var queuedCount = 0

    init(_ socket: any ByteStream) { self.socket = socket }

    var refusal: Status? { socket.refusal }

    /// Bytes that the kernel has taken.
    var sentCount: Int { queuedCount - (pending.count - pendingStart) }

    var pendingCount: Int { pending.count - pendingStart }

    mutating func queue(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if pendingStart == pending.count {
            pending = bytes
            pendingStart = 0
        } else {
            pending.append(contentsOf: bytes)
        }
        queuedCount += bytes.count
    }

    mutating func giveUp() { isOver = true }

    /// Sends without waiting.
    mutating func sendWhatFits() {
        while !cannotSend, pendingStart < pending.count {
            do throws(ByteStreamFailure) {
                let count = try socket.send(pending[pendingStart...])
                if count == 0 { return }
                pendingStart += count
            } catch {
                cannotSend = true
            }
        }
    }

    /// Sends what fits, then waits for bytes, or for room if there is more to send.
    mutating func exchange(timeout: Duration) -> [UInt8]? {
        sendWhatFits()
        do throws(ByteStreamFailure) {
            let wantsRoom = !cannotSend && pendingStart < pending.count
            guard try socket.wait(orWritable: wantsRoom, timeout: timeout) else { return nil }
            switch try socket.receive() {
            case .bytes(let bytes): return bytes
            case .nothingYet: return nil
            case .end:
                isOver = true
                return nil
            }
        } catch {
            isOver = true
            return nil
        }
    }
}
