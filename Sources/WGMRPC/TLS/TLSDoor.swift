// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import WGMWire

/// Stands where a connection from the network comes in, until its TLS handshake is over.
///
/// Whoever may not come in is turned away before anything is computed for him; whoever speaks plain text hears in plain
/// text that this is the wrong language; everybody else has a limited time for the handshake.
final class TLSDoor<Host: CallHost>: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    /// The first byte of every TLS connection: the content type of a handshake record.
    private static var handshakeRecord: UInt8 { 22 }

    private let server: ServerCore<Host>
    private let identity: TLSIdentity
    private let peer: ConnectionPeer
    /// Why this connection is refused as a whole.
    private let refusal: ConnectionFault?
    private var tls: NIOSSLServerHandler?
    private var timer: Scheduled<Void>?
    private var isOver = false

    init(
        server: ServerCore<Host>,
        identity: TLSIdentity,
        peer: ConnectionPeer,
        refusal: ConnectionFault?
    ) {
        self.server = server
        self.identity = identity
        self.peer = peer
        self.refusal = refusal
    }

    func channelActive(context: ChannelHandlerContext) {
        if let refusal { return refuse(refusal, context) }
        let door = NIOLoopBound(self, eventLoop: context.eventLoop)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let limit = server.limits.handshakeTime
        timer = context.eventLoop.scheduleTask(in: TimeAmount(limit)) {
            door.value.refuse(ConnectionFault(.timeout, "no TLS handshake within \(limit)"), bound.value)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver, tls == nil else { return }
        let buffer = unwrapInboundIn(data)
        guard let first = buffer.readableBytesView.first else { return }
        guard first == Self.handshakeRecord else {
            let words = "this port speaks TLS 1.3 only, and this is plain text: use tls://"
            hand(over: peer, ConnectionFault(.preface, words), context)
            return
        }
        let tls = NIOSSLServerHandler(context: identity.context)
        self.tls = tls
        do {
            try context.pipeline.syncOperations.addHandler(tls, position: .before(self))
            context.pipeline.fireChannelRead(buffer)
        } catch {
            refuse(ConnectionFault(.internalError, "the TLS handshake cannot begin"), context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let chosen) = event as? TLSUserEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        let shown = tls?.peerCertificate
        let certificate = shown.flatMap { try? $0.toDERBytes() }
        guard case .tls(let address, _) = peer.transport else { return }
        let peer = ConnectionPeer(transport: .tls(address, certificate: certificate), id: peer.id)
        let hasProtocol = chosen == TLSSettings.applicationProtocol
        let words = "the client did not ask for the application protocol \(TLSSettings.applicationProtocol) (ALPN)"
        guard hasProtocol else { return hand(over: peer, ConnectionFault(.protocolError, words), context) }
        // A session that is resumed shows the certificate of then, whose end nobody has looked at since.
        let left = shown.map { Int64($0.notValidAfter) - WallClock.unixMilliseconds() / 1000 }
        let fault = (left ?? 1) < 0 ? ConnectionFault.certificateOver : nil
        hand(over: peer, fault, context, secondsLeft: left)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        refuse(ConnectionFault(.protocolError, TLSFailure.words(handshake: error)), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        isOver = true
        if refusal == nil { server.admission.disconnect(Caller(peer.transport)) }
        context.fireChannelInactive()
    }

    /// The connection goes on, or hears why not, in frames.
    private func hand(
        over peer: ConnectionPeer,
        _ fault: ConnectionFault?,
        _ context: ChannelHandlerContext,
        secondsLeft: Int64? = nil
    ) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        let handler = ConnectionHandler(server: server, peer: peer, refusal: fault, isAdmitted: true)
        handler.secondsOfCertificate = secondsLeft
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(handler, position: .after(self))
            pipeline.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    private func refuse(_ fault: ConnectionFault, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        server.host.connectionRefused(peer, fault)
        context.close(promise: nil)
    }
}
