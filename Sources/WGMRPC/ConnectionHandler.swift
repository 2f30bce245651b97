// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NIOCore
internal import WGMWire

/// Drives one `ServerConnection`: bytes in, calls to the host, bytes out, all on the event loop of the channel.
final class ConnectionHandler<Host: CallHost>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Running {
        let task: Task<Void, Never>
        let commitPoint: CommitPoint
    }

    let server: ServerCore<Host>
    let peer: ConnectionPeer
    let caller: Caller
    /// Why this connection is refused as a whole.
    private let refusal: ConnectionFault?
    /// It was counted, and must be given back.
    private let isAdmitted: Bool
    var connection: ServerConnection
    var credentials: [Host.Credential?] = Array(repeating: nil, count: ServerConnection.slotCount + 1)
    /// For each slot.
    var answers: [(any AnswerSource)?] = Array(repeating: nil, count: ServerConnection.slotCount + 1)
    var running: [UInt32: Running] = [:]
    /// Of calls with streams.
    var channels: [UInt32: CallMessages] = [:]
    private var context: ChannelHandlerContext?
    private var executor: LoopExecutor?
    private var flushes: FlushQueue<Host>?
    private var timer: Scheduled<Void>?
    private var timerAt = Moment.never
    private var isPumping = false
    private var isFlushScheduled = false
    private var isEnding = false
    /// What was read is not worked off: others have their turn first, and no more is read.
    private var isBehind = false
    /// Calls that have ended while the client did not read what it has: they still count as running, so that who reads nothing does not
    /// have more and more replies kept.
    private var unread = 0
    private var stall = ReadStall()
    /// How long the client's certificate is good from the handshake on; nil if it has none.
    var secondsOfCertificate: Int64?
    private var certificateEnd: Scheduled<Void>?

    /// Seconds, 68 years: more than any connection lasts, and less than what a deadline in nanoseconds can hold.
    private static var longestWait: Int64 { 1 << 31 }
    /// For how long one connection may keep its event loop from all others.
    private static var turn: Duration { .milliseconds(2) }
    private static var pause: TimeAmount { .microseconds(100) }

    init(server: ServerCore<Host>, peer: ConnectionPeer, refusal: ConnectionFault?, isAdmitted: Bool) {
        self.server = server
        self.peer = peer
        self.refusal = refusal
        self.isAdmitted = isAdmitted
        caller = Caller(peer.transport)
        connection = ServerConnection(
            limits: server.limits,
            agent: server.agent,
            now: .now(),
            unixMilliseconds: WallClock.unixMilliseconds(),
            room: isAdmitted ? server.admission.room(of: caller) : nil
        )
    }

    func channelActive(context: ChannelHandlerContext) { open(context) }

    /// Behind a TLS handshake the channel is active already.
    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { open(context) }
    }

    private func open(_ context: ChannelHandlerContext) {
        guard self.context == nil else { return }
        self.context = context
        executor = LoopExecutor(context.eventLoop)
        flushes = server.flushes(on: context.eventLoop)
        flushes?.members += 1
        if let refusal {
            server.host.connectionRefused(peer, refusal)
            connection.fail(refusal)
        } else {
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            server.register(peer.id, handler)
            if let seconds = secondsOfCertificate {
                certificateEnd = context.eventLoop.scheduleTask(in: .seconds(min(seconds, Self.longestWait))) {
                    handler.value.connection.fail(.certificateOver)
                    handler.value.pump()
                }
            }
        }
        pump()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        certificateEnd?.cancel()
        self.context = nil
        flushes?.members -= 1
        flushes = nil
        for (_, handler) in running where handler.commitPoint.abandon() { handler.task.cancel() }
        endAllMessages(Status(.cancelled, "the caller has gone"))
        forgetUnread()
        if refusal == nil { server.unregister(peer.id) }
        if isAdmitted { server.admission.disconnect(caller) }
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        connection.receive(buffer.readableBytesSpan)
        pump(flushing: false)
    }

    /// One write for all replies to what one read brought.
    func channelReadComplete(context: ChannelHandlerContext) {
        if connection.hasOutput { flushes?.add(self) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard !isEnding else { return }
        readOnIfPossible()
        guard context.channel.isWritable else { return }
        forgetUnread()
        pump()
    }

    private func readOnIfPossible() {
        guard let channel = context?.channel, !isEnding else { return }
        channel.setOption(.autoRead, value: channel.isWritable && !isBehind).whenFailure { _ in }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func drain() {
        connection.drain(now: .now())
        pump()
    }

    /// Takes events while there are some; reads on only while the client takes what it is sent.
    func pump(flushing: Bool = true) {
        guard let channel = context?.channel, !isPumping else { return }
        isPumping = true
        var now = Moment.now()
        let turnEnd = now + Self.turn
        var isOver = false
        repeat {
            while !isOver,
                let event = connection.nextEvent(
                    now: now,
                    reading: channel.isWritable,
                    atOnce: { call, payload in answers[call.slot]?.answer(call, in: payload, now: now) }
                )
            {
                handle(event)
                now = .now()
                isOver = now >= turnEnd
                if connection.outputCount > server.limits.outputLowWater { flush() }
            }
        } while !isOver && connection.hasWaitingData && channel.isWritable && passOn()
        isPumping = false
        setBehind(isOver)
        if flushing { flush() }
        scheduleTimer()
    }

    private func setBehind(_ isBehind: Bool) {
        guard self.isBehind != isBehind else { return }
        self.isBehind = isBehind
        readOnIfPossible()
        if isBehind { takeNextTurn() }
    }

    /// The event loop runs all tasks that are due before it looks for input: so this is one that is due a little later.
    private func takeNextTurn() {
        guard let context else { return }
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.pause) {
            handler.value.pump()
            if handler.value.isBehind { handler.value.takeNextTurn() }
        }
    }

    /// What is there leaves first: messages move only while there is room.
    private func passOn() -> Bool {
        flush()
        return passMessages()
    }

    var eventLoop: (any EventLoop)? { context?.eventLoop }
    var canWrite: Bool { context?.channel.isWritable ?? false }

    private func handle(_ event: ServerConnection.Event) {
        switch event {
        case .authenticate(let slot, let token): authenticate(slot, token)
        case .call(let call): begin(call)
        case .refused(let stream, let slot, let method, let status):
            recordRefusal(stream, slot: slot, method: method, status)
        case .stopped(let stream):
            if let handler = running[stream], handler.commitPoint.abandon() { handler.task.cancel() }
            endMessages(stream, Status(.cancelled, "the call is over"))
        case .message(let stream, let message, let cost): arrived(stream, message, cost: cost)
        case .requestEnd(let stream): requestEnded(stream)
        case .slotExpired(let slot):
            credentials[slot] = nil
            answers[slot] = nil
        case .closing(let fault): end(fault)
        }
    }

    /// Starts work that waits, on this event loop.
    func start(_ stream: UInt32, _ commitPoint: CommitPoint, _ work: @escaping @Sendable () async -> CallOutcome) {
        guard let loop = context?.eventLoop else { return server.admission.end(caller) }
        let handler = NIOLoopBound(self, eventLoop: loop)
        let task = Task(executorPreference: executor) {
            let outcome = await work()
            if loop.inEventLoop {
                handler.value.finished(stream, outcome)
            } else {
                loop.execute { handler.value.finished(stream, outcome) }
            }
        }
        running[stream] = Running(task: task, commitPoint: commitPoint)
    }

    private func finished(_ stream: UInt32, _ outcome: CallOutcome) {
        running[stream] = nil
        connection.end(stream, outcome)
        let isRead = canWrite && connection.outputCount <= server.limits.outputHighWater
        if isRead || context == nil { server.admission.end(caller) } else { unread += 1 }
        endMessages(stream, Status(.cancelled, "the call is over"))
        pumpSoon()
    }

    /// The client reads again, or never will.
    private func forgetUnread() {
        for _ in 0..<unread { server.admission.end(caller) }
        unread = 0
    }

    /// One write for whatever happens within this turn of the event loop.
    func pumpSoon() {
        guard let context, !isFlushScheduled else { return }
        isFlushScheduled = true
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            handler.value.isFlushScheduled = false
            handler.value.pump()
        }
    }

    func flush() {
        guard let context, connection.hasOutput else { return }
        let allocator = context.channel.allocator
        let output = connection.writeOutput { bytes in
            unsafe bytes.withUnsafeBytes { unsafe allocator.buffer(bytes: $0) }
        }
        stall.written += output.readableBytes
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        if canWrite { forgetUnread() }
        noteProgress()
    }

    /// The last words leave, for at most a second, then the channel closes.
    ///
    /// Handlers past their commit point go on.
    private func end(_ fault: ConnectionFault?) {
        guard let context, !isEnding else { return }
        isEnding = true
        if let fault, refusal == nil, fault.isViolation { server.host.violation(by: peer, fault) }
        for (_, handler) in running where handler.commitPoint.abandon() { handler.task.cancel() }
        endAllMessages(Status(.unavailable, "the connection has ended"))
        context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        let output = context.channel.allocator.buffer(bytes: connection.takeOutput())
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(output)).whenComplete { _ in channel.close(promise: nil) }
        timer?.cancel()
        timer = context.eventLoop.scheduleTask(in: TimeAmount(server.limits.closeFlush)) { channel.close(promise: nil) }
    }

    // MARK: Time

    private func scheduleTimer() {
        guard let context, !isEnding else { return }
        let next = min(connection.wake, stall.deadline(server.limits))
        guard next < timerAt else { return }
        timer?.cancel()
        timerAt = next
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(next.since(.now()))) { handler.value.timerFired() }
    }

    private func timerFired() {
        timerAt = .never
        noteProgress()
        if Moment.now() >= stall.deadline(server.limits) {
            server.host.violation(
                by: peer,
                ConnectionFault(.notReading, "nothing was read for \(server.limits.readStall)")
            )
            isEnding = true
            context?.close(promise: nil)
            return
        }
        connection.advance(now: .now())
        pump()
    }

    private func noteProgress() {
        guard let options = context?.channel.syncOptions else { return }
        let waiting = (try? options.getOption(.bufferedWritableBytes)) ?? 0
        stall.note(waiting: waiting, now: .now())
    }
}

/// Notices a peer that reads nothing at all.
struct ReadStall {
    /// Bytes given to the channel.
    var written = 0
    private var taken = 0
    private var since = Moment.never

    /// `waiting` bytes have not left yet.
    mutating func note(waiting: Int, now: Moment) {
        let takenNow = written - waiting
        if waiting == 0 {
            since = .never
        } else if since == .never || takenNow > taken {
            since = now
        }
        taken = takenNow
    }

    func deadline(_ limits: WireLimits) -> Moment { since == .never ? .never : since + limits.readStall }
}

extension ConnectionFault {
    static let certificateOver = ConnectionFault(.timeout, "the client's certificate has expired")

    /// False for what ends connections in the ordinary course of things.
    var isViolation: Bool { reason != .shutdown && reason != .idle }
}

/// The realtime clock, for tokens; everything else is measured on the monotonic one.
enum WallClock {
    static func unixMilliseconds() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
