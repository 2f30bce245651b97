// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc
internal import WGMModel

/// The numbering of requests and the gathering of their replies.
struct Connection: ~Copyable {
    private let socket: PacketSocket
    private let timeout: Duration
    /// One may come before the keeper reads a request, one after.
    private static let mostNotices = 2
    /// Packets that are read at once while nobody waits for a reply.
    private static let batch = 64
    /// What the keeper said unasked, until somebody takes it.
    private var noticed = ChangedLinks()
    /// Notices since the last request.
    private var noticeCount = 0
    private var lastNumber: UInt32 = 0
    /// Set for good once the other end is gone or has said something that cannot be.
    private(set) var isBroken = false
    /// True when the last request found the connection closed and has not left this process.
    private(set) var wasNotSent = false

    init(fileDescriptor: Int32, timeout seconds: Int32) {
        socket = PacketSocket(owning: fileDescriptor)
        socket.setTimeouts(seconds: seconds)
        timeout = .seconds(Int64(seconds))
    }

    /// Connects to a listening keeper.
    init(path: String, timeout seconds: Int32) throws(KernelFailure) {
        let descriptor = unsafe wgm_connect_packet(path, seconds)
        guard descriptor >= 0 else {
            throw KernelFailure(.keeperGone, errno: errno, "cannot connect to the keeper at \(path)")
        }
        self.init(fileDescriptor: descriptor, timeout: seconds)
    }

    /// Not connected to anybody.
    static var none: Connection {
        var connection = Connection(fileDescriptor: -1, timeout: 1)
        connection.isBroken = true
        return connection
    }

    /// Sends the request and returns the payload of its replies, in the order in which they came.
    mutating func exchange(_ body: Request.Body) throws(KernelFailure) -> [UInt8] {
        guard !isBroken else { throw Self.gone("the connection to the keeper has ended") }
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        wasNotSent = false
        noticeCount = 0
        let request = Request(number: lastNumber, body)
        do {
            try socket.send(request.encoded())
        } catch {
            wasNotSent = error == .closed
            throw failure(of: error)
        }
        return try receiveReplies(to: request)
    }

    private mutating func receiveReplies(to request: Request) throws(KernelFailure) -> [UInt8] {
        let patience = timeout * request.patience
        let deadline = ContinuousClock.now + patience
        var payload: [UInt8] = []
        while ContinuousClock.now < deadline {
            guard let reply = try nextReply(until: deadline) else { continue }
            // The answer to an earlier request that was given up comes late, not twice.
            guard reply.number == request.number else { continue }
            let isInPlace = reply.kind == request.kind && (reply.isLast || request.mayNeedManyReplies)
            guard isInPlace, payload.count + reply.payload.count <= PacketLimit.dump else { throw malformedReply() }
            if let failure = reply.failure { throw failure }
            payload += reply.payload
            if reply.isLast { return payload }
        }
        throw Self.gone("the keeper did not answer in \(patience)")
    }

    /// nil when it is a notice, or when nothing came and the deadline is not over.
    private mutating func nextReply(until deadline: ContinuousClock.Instant) throws(KernelFailure) -> Reply? {
        let packet: [UInt8]
        do {
            packet = try socket.receive()
        } catch {
            if error == .timedOut, ContinuousClock.now < deadline { return nil }
            throw failure(of: error)
        }
        return try reply(in: packet)
    }

    private mutating func reply(in packet: [UInt8]) throws(KernelFailure) -> Reply? {
        let notice = try decode(packet) { (bytes) throws(PacketError) in try Notice(decoding: bytes) }
        if let notice {
            noticeCount += 1
            guard noticeCount <= Self.mostNotices else { throw malformedReply() }
            noticed.formUnion(notice.changed)
            return nil
        }
        return try decode(packet) { (bytes) throws(PacketError) in try Reply(decoding: bytes) }
    }

    mutating func decode<Value>(
        _ bytes: [UInt8],
        _ read: ([UInt8]) throws(PacketError) -> Value
    ) throws(KernelFailure) -> Value {
        do {
            return try read(bytes)
        } catch {
            throw malformedReply()
        }
    }

    /// What the keeper said unasked since the last time.
    mutating func takeNoticed() -> ChangedLinks {
        defer { noticed = ChangedLinks() }
        return noticed
    }

    /// Reads what came while nobody waited for a reply: notices, and replies to what was given up.
    mutating func readUnasked() {
        for _ in 0..<Self.batch where !isBroken {
            do {
                let packet = try socket.receiveNow()
                _ = try? reply(in: packet)
            } catch .timedOut {
                return
            } catch {
                _ = failure(of: error)
            }
        }
    }

    /// A descriptor of its own for waiting, which the caller closes; nil when nobody is connected.
    func descriptorForWaiting() -> Int32? {
        guard !isBroken else { return nil }
        var copy: Int32 = -1
        socket.withDescriptor { copy = fcntl($0, F_DUPFD_CLOEXEC, 0) }
        return copy >= 0 ? copy : nil
    }

    mutating func requireEmpty(_ payload: [UInt8]) throws(KernelFailure) {
        guard payload.isEmpty else { throw malformedReply() }
    }

    private mutating func malformedReply() -> KernelFailure {
        isBroken = true
        return Self.gone("the keeper sent a reply that is not one of this protocol")
    }

    private mutating func failure(of failure: PacketSocket.Failure) -> KernelFailure {
        switch failure {
        case .timedOut:
            return Self.gone("the keeper did not answer in \(timeout)")
        case .closed:
            isBroken = true
            return Self.gone("the keeper closed the connection")
        case .tooLarge:
            isBroken = true
            return Self.gone("a packet to or from the keeper is too large")
        case .other(let errno):
            isBroken = true
            return KernelFailure(.keeperGone, errno: errno, "the connection to the keeper failed")
        }
    }

    static func gone(_ message: String) -> KernelFailure { KernelFailure(.keeperGone, message) }
}
