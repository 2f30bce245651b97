// SPDX-License-Identifier: Apache-2.0

/// Every limit of the protocol, with the defaults of docs/protocol.md.
///
/// Sizes are in bytes.
public struct WireLimits: Equatable, Sendable {
    // Connections.
    public var connections = 256
    public var connectionsPerCaller = 64
    /// From the network; the rest stays for the Unix socket, whatever happens out there.
    public var networkConnections = 192
    /// From one IPv4 address, or from one IPv6 network of 64 bits.
    public var connectionsPerAddress = 16

    // Until a token is accepted.
    public var handshakeTime: Duration = .seconds(5)
    public var handshakeBytes = 32 * 1024
    public var handshakeFrames = 8
    public var handshakeTokens = 3

    // Sizes.
    public var frame = 64 * 1024
    public var message = 1024 * 1024
    /// What a CALL or END may carry beside its message.
    public var envelope = 32 * 1024
    public var hello = 1024
    public var agent = 128
    public var token = 8 * 1024
    public var goaway = 4 * 1024
    public var method = 128
    public var metadataPairs = 32
    public var metadata = 8 * 1024
    public var scope = 1024
    public var statusText = 1024
    public var statusDetails = 16 * 1024

    // Streams.
    /// Credit for DATA that a stream starts with.
    public var initialWindow = 256 * 1024
    /// Credit for DATA that a connection starts with: what a server holds of messages that nobody has used.
    public var connectionWindow = 1024 * 1024
    /// All incomplete messages of one connection together.
    public var assembly = 8 * 1024 * 1024
    /// And of all connections.
    public var assemblyTotal = 64 * 1024 * 1024
    /// Of all connections, those that only user 0 may open.
    public var connectionsForRoot: Int { connections / 64 }
    /// What one caller's connections may hold of that together, so that others have some too.
    public var assemblyPerCaller: Int { max(assembly, assemblyTotal / 4) }
    /// A stream of events whose caller gives no credit for so long ends.
    public var streamStall: Duration = .seconds(5)

    // Calls.
    /// Of one connection, each until its handler has ended.
    public var streams = 64
    public var handlersPerCaller = 128
    public var handlers = 512
    public var defaultTimeout: Duration = .seconds(30)
    public var longestTimeout: Duration = .seconds(600)

    // Output.
    public var outputHighWater = 1024 * 1024
    public var outputLowWater = 256 * 1024
    /// A peer that reads nothing for so long is cut off.
    public var readStall: Duration = .seconds(30)
    /// The last words of a connection have so long to leave.
    public var closeFlush: Duration = .seconds(1)

    // Pace.
    public var pingInterval: Duration = .seconds(5)
    public var pingStrikes = 3
    public var cancelsPerSecond = 200
    public var tokensPerMinute = 32
    /// Calls that are refused before they reach anybody.
    public var refusalsPerSecond = 200
    /// A frame that has begun must be whole by then.
    public var frameTime: Duration = .seconds(30)
    /// Without any frame or running call for so long, the connection closes.
    public var idleTime: Duration = .seconds(600)

    // Shutdown.
    public var drainNotice: Duration = .seconds(1)
    public var drainTime: Duration = .seconds(10)

    public init() {}

    /// What a HELLO means that leaves a field out.
    enum Assumed {
        static let frame = 64 * 1024
        static let message = 1024 * 1024
        static let initialWindow = 256 * 1024
        static let connectionWindow = 1024 * 1024
    }

    /// The largest payload of a frame that a server accepts; nil for a known type that only a server sends.
    func serverAccepts(_ type: FrameType) -> Int? {
        switch type {
        case .hello: hello
        case .auth: token + 64
        case .call: message + envelope
        case .data: frame
        case .cancel: 0
        case .window: 4
        case .ping: 8
        case .goaway: goaway
        case .authed, .end: nil
        }
    }

    /// The largest payload of a frame that a client accepts; nil for a known type that only a client sends.
    func clientAccepts(_ type: FrameType) -> Int? {
        switch type {
        case .hello: hello
        case .authed: envelope
        case .end: message + envelope
        case .data: frame
        case .window: 4
        case .ping: 8
        case .goaway: goaway
        case .auth, .call, .cancel: nil
        }
    }
}

/// Counts events within windows of fixed length.
struct RateWindow {
    private var start = Moment(nanoseconds: 0)
    private var count = 0

    /// False when more than `limit` came within one window.
    mutating func admit(now: Moment, limit: Int, per window: Duration) -> Bool {
        if count == 0 || now >= start + window {
            start = now
            count = 0
        }
        count += 1
        return count <= limit
    }
}
