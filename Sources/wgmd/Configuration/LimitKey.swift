// SPDX-License-Identifier: Apache-2.0

import WGMWire

/// A key of the table `[limits]`: which limit of the protocol it sets, and what it may be set to.
struct LimitKey: Sendable {
    enum Field: Sendable {
        case number(any WritableKeyPath<WireLimits, Int> & Sendable)
        /// In milliseconds.
        case time(any WritableKeyPath<WireLimits, Duration> & Sendable)
    }

    let name: String
    let field: Field
    let range: ClosedRange<Int>

    private init(
        _ name: String,
        _ number: any WritableKeyPath<WireLimits, Int> & Sendable,
        _ range: ClosedRange<Int>
    ) {
        self.name = name
        field = .number(number)
        self.range = range
    }

    private init(
        _ name: String,
        time: any WritableKeyPath<WireLimits, Duration> & Sendable,
        _ range: ClosedRange<Int>
    ) {
        self.name = name
        field = .time(time)
        self.range = range
    }

    /// All of them, in the order of docs/configuration.md.
    ///
    /// What both ends must take from each other before either has spoken is no key: the payloads of HELLO, AUTHED and
    /// GOAWAY. The ranges of text, details and metadata keep an END within what a client accepts.
    static let all: [LimitKey] = [
        LimitKey("connections", \.connections, 1...16384),
        LimitKey("connections_per_user", \.connectionsPerCaller, 1...16384),
        LimitKey("connections_from_network", \.networkConnections, 0...16384),
        LimitKey("connections_per_address", \.connectionsPerAddress, 1...16384),
        LimitKey("handshake_ms", time: \.handshakeTime, 100...60_000),
        LimitKey("handshake_bytes", \.handshakeBytes, 5120...1 << 20),
        LimitKey("handshake_frames", \.handshakeFrames, 3...1000),
        LimitKey("handshake_tokens", \.handshakeTokens, 1...100),
        LimitKey("max_frame_bytes", \.frame, 1024...64 << 10),
        LimitKey("max_message_bytes", \.message, 64 << 10...15 << 20),
        LimitKey("assembly_bytes", \.assembly, 64 << 10...1 << 30),
        LimitKey("assembly_total_bytes", \.assemblyTotal, 64 << 10...1 << 34),
        LimitKey("token_bytes", \.token, 1024...16 << 10),
        LimitKey("method_bytes", \.method, 64...256),
        LimitKey("metadata_pairs", \.metadataPairs, 4...64),
        LimitKey("metadata_bytes", \.metadata, 1024...12 << 10),
        LimitKey("scope_bytes", \.scope, 0...4096),
        LimitKey("status_text_bytes", \.statusText, 128...2048),
        LimitKey("status_details_bytes", \.statusDetails, 1024...16 << 10),
        LimitKey("streams", \.streams, 1...4096),
        LimitKey("calls_per_caller", \.handlersPerCaller, 1...65536),
        LimitKey("calls", \.handlers, 1...65536),
        LimitKey("default_timeout_ms", time: \.defaultTimeout, 100...3_600_000),
        LimitKey("longest_timeout_ms", time: \.longestTimeout, 100...3_600_000),
        LimitKey("initial_window_bytes", \.initialWindow, 16 << 10...16 << 20),
        LimitKey("connection_window_bytes", \.connectionWindow, 16 << 10...64 << 20),
        LimitKey("stream_stall_ms", time: \.streamStall, 100...600_000),
        LimitKey("output_high_bytes", \.outputHighWater, 64 << 10...64 << 20),
        LimitKey("output_low_bytes", \.outputLowWater, 16 << 10...64 << 20),
        LimitKey("read_stall_ms", time: \.readStall, 100...600_000),
        LimitKey("ping_interval_ms", time: \.pingInterval, 0...600_000),
        LimitKey("ping_strikes", \.pingStrikes, 1...1000),
        LimitKey("cancels_per_second", \.cancelsPerSecond, 1...100_000),
        LimitKey("tokens_per_minute", \.tokensPerMinute, 1...10_000),
        LimitKey("refusals_per_second", \.refusalsPerSecond, 1...100_000),
        LimitKey("frame_ms", time: \.frameTime, 100...600_000),
        LimitKey("idle_ms", time: \.idleTime, 1000...86_400_000),
        LimitKey("close_flush_ms", time: \.closeFlush, 10...60_000),
        LimitKey("drain_notice_ms", time: \.drainNotice, 0...60_000),
        LimitKey("drain_ms", time: \.drainTime, 0...600_000),
    ]

    static func named(_ name: String) -> LimitKey? { all.first { $0.name == name } }

    /// What the value must be, for people.
    var rule: String {
        let unit =
            switch field {
            case .number: name.hasSuffix("_bytes") ? " of bytes" : ""
            case .time: " of milliseconds"
            }
        return "a number\(unit) from \(range.lowerBound) to \(range.upperBound), without quotes"
    }

    func value(in limits: WireLimits) -> Int {
        switch field {
        case .number(let path): limits[keyPath: path]
        case .time(let path): Int(limits[keyPath: path] / .milliseconds(1))
        }
    }

    func set(_ value: Int, in limits: inout WireLimits) {
        switch field {
        case .number(let path): limits[keyPath: path] = value
        case .time(let path): limits[keyPath: path] = .milliseconds(value)
        }
    }
}
