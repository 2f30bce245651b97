// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import WGMWire

@Suite("Client: the connection's rules")
struct ClientConnectionTests {
    private static let greeting =
        Preface.current.bytes + TestFrame(.hello, V1.Hello(maxMessage: 100).serialized()).bytes

    private func fault(after bytes: [UInt8]) throws -> GoawayReason? {
        var client = ClientConnection(limits: .client, agent: "test")
        _ = try client.call(ClientConnection.Call(method: "a/b", message: nil))
        _ = client.takeOutput()
        unsafe client.receive(bytes.span.bytes)
        while let event = client.nextEvent() {
            guard case .failed(let fault) = event else { continue }
            #expect(TestFrame.all(in: client.takeOutput()).map(\.type) == [.goaway])
            return fault.reason
        }
        return nil
    }

    @Test("A server that breaks the rules is left with a reason")
    func violations() throws {
        let end = TestFrame(.end, stream: 1, V1.End(code: 0).serialized()).bytes
        #expect(try fault(after: Array("HTTP/1.1 400".utf8)) == .preface)
        #expect(try fault(after: Preface.current.bytes + end) == .protocolError)
        #expect(try fault(after: Self.greeting + Self.greeting.dropFirst(8)) == .protocolError)
        #expect(try fault(after: Self.greeting + end) == nil)
        #expect(try fault(after: Self.greeting + end + end) == .protocolError)
        #expect(try fault(after: Self.greeting + TestFrame(.end, stream: 3).bytes) == .protocolError)
        #expect(try fault(after: Self.greeting + TestFrame(.data, stream: 1).bytes) == .protocolError)
        #expect(try fault(after: Self.greeting + Violation.raw(length: .max, stream: 1, type: 6)) == .tooLarge)
        #expect(try fault(after: Self.greeting + Violation.raw(type: 0x55)) == .protocolError)
        #expect(try fault(after: Self.greeting + Violation.raw(type: 0xd5, [1])) == nil)
    }

    @Test("A GOAWAY instead of HELLO, of any major version, is understood")
    func goawayFirst() {
        var client = ClientConnection(limits: .client, agent: "test")
        let goaway = TestFrame(.goaway, V1.Goaway(code: 1, message: "speak 7", majors: [7]).serialized()).bytes
        let bytes = Preface(major: 7, minor: 0).bytes + goaway
        unsafe client.receive(bytes.span.bytes)
        guard case .goaway(let goaway)? = client.nextEvent() else {
            Issue.record("no GOAWAY")
            return
        }
        #expect(goaway.message == "speak 7")
    }

    @Test("A request larger than the server takes in CALL goes as DATA")
    func requestTooLarge() throws {
        var client = ClientConnection(limits: .client, agent: "test")
        unsafe client.receive(Self.greeting.span.bytes)
        _ = client.nextEvent()
        _ = client.takeOutput()
        _ = try client.call(ClientConnection.Call(method: "a/b", message: Array(repeating: 0, count: 100)))
        _ = try client.call(ClientConnection.Call(method: "a/b", message: Array(repeating: 0, count: 101)))
        _ = client.fill(upTo: 1000)
        let frames = TestFrame.all(in: client.takeOutput())
        #expect(frames.map(\.type) == [.call, .call, .data])
        #expect(frames.map(\.header.flags) == [[.endStream, .hasMessage], [], [.endStream, .hasMessage]])
        #expect(frames.last?.payload.count == 101)
    }

    @Test("A PING is answered")
    func ping() {
        var client = ClientConnection(limits: .client, agent: "test")
        _ = client.takeOutput()
        let bytes = Self.greeting + Sent.ping
        unsafe client.receive(bytes.span.bytes)
        _ = client.nextEvent()
        #expect(client.takeOutput() == TestFrame(.ping, flags: .ack, Array("12345678".utf8)).bytes)
    }

    @Test("Idempotency keys are 16 bytes and never the same")
    func keys() {
        let keys = (0..<100).map { _ in CallOptions.randomKey() }
        #expect(keys.allSatisfy { $0.count == 16 })
        #expect(Set(keys).count == 100)
    }
}

@Suite("Client: connecting")
struct ClientConnectTests {
    private func failure(_ path: String) -> Status? {
        do throws(Status) {
            _ = try BlockingClient.connect(path: path, token: nil, agent: "test")
            return nil
        } catch {
            return error
        }
    }

    @Test("Where no socket is, the error asks whether wgmd runs")
    func absent() {
        let status = failure("/nonexistent/wgm.sock")
        #expect(status?.code == .unavailable)
        #expect(status?.message == "there is no socket /nonexistent/wgm.sock: is wgmd running?")
    }

    @Test("A file that is no socket is a wrong path, not a wgmd that has stopped")
    func noSocket() {
        #expect(failure("/etc/hostname")?.code == .invalidArgument)
        #expect(failure("/etc/hostname")?.reason == "NOT_A_SOCKET")
    }

    @Test("A socket that takes connections while nobody serves them is told from one that is slow")
    func silent() throws {
        let path = "/tmp/wgm-silent-\(getpid()).sock"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            close(listener)
            unsafe unlink(path)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 1) == 0)
        var client = try BlockingClient.connect(path: path, token: nil, agent: "test")
        client.greetingTimeout = .milliseconds(200)
        do throws(Status) {
            _ = try client.metaVersion(V1.VersionRequest())
            Issue.record("somebody answered")
        } catch {
            #expect(error.code == .unavailable && error.reason == "SILENT", "\(error)")
        }
    }

    @Test("A path that is too long is told so")
    func longPath() {
        #expect(failure("/" + String(repeating: "x", count: 200))?.code == .invalidArgument)
    }

    @Test("Missing permission points to the group")
    func permission() {
        #expect(Status(connecting: "/run/wgm.sock", failed: 13).message.contains("group wgm"))
    }
}
