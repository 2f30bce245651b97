// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import WGMWire

extension Server {
    /// Listens with TLS 1.3 on addresses such as `[::]:51821`, `192.0.2.1:51821`; IPv6 ones first, whatever the order.
    ///
    /// `[::]` takes IPv4 too, unless an IPv4 address with the same port is in the list. Either all are listened on or none.
    /// - Returns: the addresses with the ports that they got, for those with port 0.
    @discardableResult
    public func listen(tls identity: TLSIdentity, at addresses: [String]) async throws(ListenError) -> [String] {
        var sockets: [SocketAddress] = []
        for text in addresses { sockets.append(try Self.parse(text)) }
        sockets.sort { $0.protocol == .inet6 && $1.protocol != .inet6 }
        var channels: [any Channel] = []
        do {
            for socket in sockets {
                let both = !sockets.contains { $0.protocol == .inet && $0.port == socket.port }
                channels.append(try await bootstrap(identity, takesIPv4: both).bind(to: socket).get())
            }
        } catch {
            for channel in channels { try? await channel.close() }
            throw Self.failure(error, Self.text(sockets[channels.count]))
        }
        for channel in channels { keep(channel) }
        return channels.compactMap { $0.localAddress.map(Self.text) }
    }

    /// Listens with TLS 1.3 on a bound TCP socket that this process was given, and owns it from here on.
    /// - Returns: its address and port.
    @discardableResult
    public func listen(tls identity: TLSIdentity, inheriting descriptor: Int32) async throws(ListenError) -> String {
        guard UnixListener.isTCP(descriptor) else { throw .notATCPSocket(descriptor: descriptor) }
        do {
            let channel = try await doors(identity).withBoundSocket(descriptor).get()
            keep(channel)
            return channel.localAddress.map(Self.text) ?? "?"
        } catch {
            throw Self.failure(error, "an inherited socket")
        }
    }

    private static func failure(_ error: any Error, _ address: String) -> ListenError {
        if (error as? IOError)?.errnoCode == EADDRINUSE { return .inUse(address) }
        return .engine("cannot listen on \(address): \(error)")
    }

    private func bootstrap(_ identity: TLSIdentity, takesIPv4: Bool) -> ServerBootstrap {
        doors(identity)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                let only = ChannelOptions.Types.SocketOption(
                    level: .init(rawValue: Int32(IPPROTO_IPV6)),
                    name: .init(rawValue: IPV6_V6ONLY)
                )
                // On an IPv4 socket there is no such option.
                return channel.setOption(only, value: takesIPv4 ? 0 : 1).flatMapError { _ in
                    channel.eventLoop.makeSucceededVoidFuture()
                }
            }
    }

    /// Every connection begins at a door.
    private func doors(_ identity: TLSIdentity) -> ServerBootstrap {
        let core = core
        return ServerBootstrap(group: group)
            .childChannelOption(.writeBufferWaterMark, value: core.waterMark)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let door = core.makeDoor(channel.remoteAddress, identity)
                    try channel.pipeline.syncOperations.addHandler(door)
                }
            }
    }

    private static func parse(_ text: String) throws(ListenError) -> SocketAddress {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw .engine("\(text): an address and a port are needed, such as [::]:51821")
        }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard let address = try? SocketAddress(ipAddress: String(host), port: Int(port)),
            isBracketed == (address.protocol == .inet6)
        else { throw .engine("\(text): an address and a port are needed, such as [::]:51821") }
        return address
    }

    private static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "?"
        return (address.protocol == .inet6 ? "[\(host)]" : host) + ":\(address.port ?? 0)"
    }
}

extension ServerCore {
    /// Decides about a new connection from the network.
    fileprivate func makeDoor(_ remote: SocketAddress?, _ identity: TLSIdentity) -> TLSDoor<Host> {
        guard let address = remote.flatMap({ RemoteAddress($0) }) else {
            let (peer, refusal) = admit(.unknown)
            return TLSDoor(server: self, identity: identity, peer: peer, refusal: refusal)
        }
        let transport = ConnectionPeer.Transport.tls(address, certificate: nil)
        guard identity.settings.allows(address) else {
            let words = "connections from \(address) are not allowed by the configuration"
            let fault = ConnectionFault(.unknownCaller, words)
            return TLSDoor(server: self, identity: identity, peer: nextPeer(transport), refusal: fault)
        }
        let (peer, refusal) = admit(transport)
        return TLSDoor(server: self, identity: identity, peer: peer, refusal: refusal)
    }
}
