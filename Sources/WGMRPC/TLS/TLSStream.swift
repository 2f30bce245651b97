// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOEmbedded
internal import NIOSSL
internal import NIOTLS
public import WGMWire

/// A TLS 1.3 connection to a server for a `BlockingClient`: no event loop turns and no thread is started for it.
///
/// NIO's TLS handler works on an embedded channel, which is a state machine: ciphertext goes in and out by hand, between it
/// and a socket.
public final class TLSStream: ByteStream {
    /// What was not sent yet may grow to this many bytes before more is taken.
    private static let outputHighWater = 256 * 1024

    private let socket: TCPSocket
    private let channel: EmbeddedChannel
    private let server: String
    private var output: [UInt8] = []
    private var outputStart = 0
    private var input: [UInt8] = []
    private var hasEnded = false
    public private(set) var refusal: Status?

    /// Connects and shakes hands.
    ///
    /// `host` is a name or an IP address without brackets.
    /// - Throws: a status that says what is wrong and what to do about it.
    public static func connect(
        host: String,
        port: UInt16,
        settings: TLSClientSettings,
        timeout: Duration = .seconds(5)
    ) throws(Status) -> TLSStream {
        let handler: NIOSSLClientHandler
        do throws(TLSFileError) { handler = try settings.handler(host: host) } catch {
            throw Status(.invalidArgument, "\(error)", reason: "TLS_FILE")
        }
        let end = Moment.now() + timeout
        let socket = try TCPSocket.connect(host: host, port: Int(port), timeout: timeout)
        let stream = TLSStream(socket, host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
        let isName = (try? SocketAddress(ipAddress: host, port: 0)) == nil
        do throws(Status) { try stream.shakeHands(handler, isName: isName, until: end) } catch {
            guard case .key = settings.trust, error.reason == "SERVER_UNTRUSTED" else { throw error }
            throw TLSFailure.keyChanged(of: stream.server)
        }
        return stream
    }

    private init(_ socket: TCPSocket, _ server: String) {
        self.socket = socket
        self.server = server
        channel = EmbeddedChannel()
    }

    /// Takes its leave and does not wait for an answer: the embedded clock is put on past the time for one.
    deinit {
        channel.close(promise: nil)
        collect()
        try? flush()
        channel.embeddedEventLoop.advanceTime(by: .seconds(10))
    }

    private func shakeHands(_ handler: NIOSSLClientHandler, isName: Bool, until end: Moment) throws(Status) {
        let watch = HandshakeWatch()
        do {
            try channel.pipeline.syncOperations.addHandlers([handler, watch])
            // NIOSSL also takes a certificate that has the other end's address. Where a name was asked for, who can forge what it
            // stands for could show another server's: no certificate has this one (RFC 9525, section 6.1).
            channel.connect(to: isName ? try SocketAddress(unixDomainSocketPath: "/") : socket.address, promise: nil)
            collect()
            while watch.chosen == nil {
                try channel.throwIfErrorCaught()
                let left = end.since(.now())
                guard left > .zero, try wait(orWritable: false, timeout: left) else {
                    throw Status(.unavailable, "\(server) does not finish the TLS handshake", reason: "NO_ANSWER")
                }
                let received = try receiveOnce()
                if let refusal { throw refusal }
                if case .end = received { throw Self.closed(server) }
            }
            try channel.throwIfErrorCaught()
        } catch let status as Status {
            throw status
        } catch is ByteStreamFailure {
            throw Self.closed(server)
        } catch {
            throw TLSFailure.status(error, server: server)
        }
        guard watch.chosen == .some(TLSSettings.applicationProtocol) else {
            throw Status(.failedPrecondition, "\(server) is no wgmd: it does not speak wgm/1", reason: "NOT_WGM")
        }
    }

    private static func closed(_ server: String) -> Status {
        Status(
            .unavailable,
            "\(server) closed the connection before the TLS handshake: it may not allow connections from here",
            reason: "NOT_ALLOWED"
        )
    }

    public func wait(orWritable: Bool, timeout: Duration) throws(ByteStreamFailure) -> Bool {
        if !input.isEmpty || hasEnded { return true }
        try flush()
        let wantsRoom = orWritable || outputStart < output.count
        let isReady = try socket.wait(orWritable: wantsRoom, timeout: timeout)
        if isReady { try flush() }
        return isReady
    }

    public func send(_ bytes: ArraySlice<UInt8>) throws(ByteStreamFailure) -> Int {
        try flush()
        guard output.count - outputStart < Self.outputHighWater else { return 0 }
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        collect()
        try flush()
        return bytes.count
    }

    public func receive() throws(ByteStreamFailure) -> ByteStreamInput {
        if input.isEmpty, !hasEnded, case .end = try receiveOnce() { hasEnded = true }
        guard input.isEmpty else {
            defer { input = [] }
            return .bytes(input)
        }
        return hasEnded ? .end : .nothingYet
    }

    /// Takes ciphertext from the socket and makes plain text of it.
    private func receiveOnce() throws(ByteStreamFailure) -> ByteStreamInput {
        let received = try socket.receive()
        switch received {
        case .bytes(let bytes):
            do { _ = try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { note(error) }
            collect()
            try? flush()
        case .end, .nothingYet: break
        }
        return received
    }

    private func note(_ error: any Error) {
        hasEnded = true
        if (error as? NIOSSLError) == .uncleanShutdown { return }
        refusal = TLSFailure.status(error, server: server)
    }

    /// Moves what the channel has made to where it goes.
    private func collect() {
        channel.embeddedEventLoop.run()
        while let buffer = try? channel.readOutbound(as: ByteBuffer.self) { output += buffer.readableBytesView }
        while let buffer = try? channel.readInbound(as: ByteBuffer.self) { input += buffer.readableBytesView }
        if !channel.isActive { hasEnded = true }
    }

    private func flush() throws(ByteStreamFailure) {
        while outputStart < output.count {
            let count = try socket.send(output[outputStart...])
            if count == 0 { return }
            outputStart += count
        }
        output = []
        outputStart = 0
    }
}

/// Learns when the handshake is over, and which application protocol was agreed on.
private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// nil until the handshake is over; then nil inside when there was no agreement.
    private(set) var chosen: String??

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let found) = event as? TLSUserEvent { chosen = .some(found) }
        context.fireUserInboundEventTriggered(event)
    }
}
