// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WGMRPC

@testable import WGMWire

/// A server on a socket of its own in a temporary folder.
struct ServerFixture: Sendable {
    let host = EchoHost()
    let server: Server<EchoHost>
    let folder: String
    var path: String { folder + "/wgm.sock" }

    init(_ limits: WireLimits) {
        server = Server(host: host, agent: "wgmd/test", limits: limits)
        folder = FileManager.default.temporaryDirectory.appending(path: "wgm-\(UUID().uuidString.prefix(8))").path
    }

    /// Runs a test against a listening server and ends it in any case.
    static func run(
        _ limits: WireLimits = .quickToClose,
        _ body: @Sendable (ServerFixture) async throws -> Void
    ) async throws {
        let fixture = ServerFixture(limits)
        try FileManager.default.createDirectory(atPath: fixture.folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: fixture.folder) }
        try await fixture.server.listen(unixPath: fixture.path)
        do {
            try await body(fixture)
        } catch {
            await fixture.server.shutdown()
            throw error
        }
        await fixture.server.shutdown()
    }

    /// Runs blocking code on a thread of its own.
    func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }

    func client(_ token: String? = "good") throws -> BlockingClient {
        try BlockingClient.connect(path: path, token: token, agent: "test/1")
    }

    /// One call on a connection of its own.
    func call(
        _ method: String,
        _ message: [UInt8]? = nil,
        token: String? = "good",
        timeout: Duration = .seconds(10)
    ) async throws -> [UInt8]? {
        try await onThread {
            var client = try client(token)
            var options = CallOptions()
            options.timeout = timeout
            return try client.call(method, message, options: options)
        }
    }

    /// Sends bytes as they are and returns everything that comes back until the server closes.
    func exchange(_ bytes: [UInt8], within: Duration = .seconds(10)) async throws -> [UInt8] {
        try await onThread {
            let socket = try UnixSocket(path: path, timeout: .seconds(1))
            var rest = bytes[...]
            var received: [UInt8] = []
            let end = Moment.now() + within
            while Moment.now() < end {
                if !rest.isEmpty, let count = try? socket.send(rest) { rest = rest.dropFirst(count) }
                guard try socket.wait(orWritable: !rest.isEmpty, timeout: .milliseconds(100)) else { continue }
                // The server may have closed while there was more to send: ECONNRESET comes after its last bytes.
                guard let answer = try? socket.receive() else { return received }
                switch answer {
                case .bytes(let more): received += more
                case .nothingYet: continue
                case .end: return received
                }
            }
            Issue.record("the server has not closed within \(within)")
            return received
        }
    }

    /// Waits until something is so.
    func eventually(within: Duration = .seconds(60), _ condition: () -> Bool) async throws -> Bool {
        let end = Moment.now() + within
        while Moment.now() < end {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return condition()
    }
}

extension WireLimits {
    /// The defaults, but shutdown does not keep a test waiting.
    static var quickToClose: WireLimits {
        var limits = WireLimits()
        limits.drainNotice = .milliseconds(20)
        limits.drainTime = .seconds(2)
        limits.streamStall = .milliseconds(300)
        return limits
    }
}

/// What raw clients send.
enum Raw {
    static let start: [UInt8] = Preface.current.bytes + frame(.hello, V1.Hello(agent: "raw/1").serialized())
    static let authenticated: [UInt8] = start + frame(.auth, V1.Authenticate(slot: 1, token: "good").serialized())

    static func frame(
        _ type: FrameType,
        stream: UInt32 = 0,
        flags: FrameFlags = [],
        aux: UInt16 = 0,
        _ payload: [UInt8]
    )
        -> [UInt8]
    {
        var bytes: [UInt8] = []
        bytes.append(FrameHeader(type: type, stream: stream, flags: flags, aux: aux), payload: payload)
        return bytes
    }

    static func call(_ stream: UInt32, _ method: String) -> [UInt8] {
        frame(.call, stream: stream, flags: .endStream, aux: 1, V1.Call(method: method).serialized())
    }

    /// The frames after the server's preface.
    static func frames(_ bytes: [UInt8]) throws -> [(type: FrameType?, stream: UInt32, payload: [UInt8])] {
        try #require(bytes.starts(with: Preface.current.bytes))
        var rest = bytes.dropFirst(8)
        var frames: [(type: FrameType?, stream: UInt32, payload: [UInt8])] = []
        while let header = FrameHeader(rest), rest.count >= 12 + Int(header.length) {
            let payload = rest.dropFirst(12).prefix(Int(header.length))
            frames.append((FrameType(rawValue: header.type), header.stream, Array(payload)))
            rest = rest.dropFirst(12 + Int(header.length))
        }
        return frames
    }

    static func goaway(_ bytes: [UInt8]) throws -> V1.Goaway {
        try V1.Goaway(serialized: #require(frames(bytes).last { $0.type == .goaway }).payload)
    }
}
