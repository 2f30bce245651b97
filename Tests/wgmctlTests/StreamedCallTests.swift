// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Glibc
import Synchronization
import Testing
import WGMRPC

@testable import WGMWire
@testable import wgmctl

/// Methods with streams of requests, which the daemon has none of: each message back, or how many there were.
private struct StreamServer: CallHost {
    func authenticate(token: String, from peer: ConnectionPeer) -> Authentication<String> {
        let end = Int64(Date().timeIntervalSince1970 * 1000) + 900_000
        return .accepted(token, subject: "tester", expiresUnixMilliseconds: end, scopes: [])
    }

    func shape(of method: String) -> RequestShape? { RequestShape(isStream: true, limit: 65536) }

    func handle(_ call: IncomingCall<String>) -> Handling {
        .stream { channel in
            do throws(Status) {
                var count: Int64 = 0
                while let message = try await channel.next() {
                    count += 1
                    if call.method == "t.Talk/Both" { try await channel.send(message, patience: nil) }
                }
                let isBoth = call.method == "t.Talk/Both"
                return CallOutcome(reply: isBoth ? nil : V1.WatchRequest(since: count).serialized())
            } catch { return CallOutcome(failure: error) }
        }
    }

    func callRefused(_ refusal: RefusedCall<String>) {}
    func connectionRefused(_ peer: ConnectionPeer, _ fault: ConnectionFault) {}
    func violation(by peer: ConnectionPeer, _ fault: ConnectionFault) {}
}

/// A pipe that a test writes to.
private struct Input: Sendable {
    let reader: CInt
    let writer: CInt

    init() throws {
        var ends: [CInt] = [-1, -1]
        try #require(unsafe pipe(&ends) == 0)
        (reader, writer) = (ends[0], ends[1])
        signal(SIGPIPE, SIG_IGN)
    }

    func write(_ text: String) {
        _ = unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(writer, $0.baseAddress, $0.count) }
    }
    func end() { close(writer) }
}

@Suite("call --stream", .serialized)
struct StreamedCallTests {
    private func method(_ name: String, replies: Bool) -> MethodDescriptor {
        MethodDescriptor(
            name: "t.Talk/\(name)",
            verb: nil,
            resource: nil,
            isAuthenticatedOnly: true,
            isAnonymous: false,
            isMutation: false,
            maxRequestBytes: 65536,
            isAudited: false,
            isRequestStream: true,
            isReplyStream: replies,
            summary: ""
        )
    }

    /// What a call prints; `wrote` is called with each line.
    private func run(
        _ method: MethodDescriptor,
        _ input: Input,
        wrote: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> [String] {
        let folder = try Folder()
        let server = Server(host: StreamServer(), agent: "test")
        try await server.listen(unixPath: folder.file("s"))
        try "secret\n".write(toFile: folder.file("token"), atomically: true, encoding: .utf8)
        _ = unsafe chmod(folder.file("token"), 0o600)
        let arguments = ["--socket", folder.file("s"), "--token-file", folder.file("token")]
        let result: Result<[String], any Error> = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    returning: Result {
                        var session = try Session.authenticated(GlobalOptions.parse(arguments))
                        var lines: [String] = []
                        let types = MethodMessages(request: V1.WatchRequest.self, reply: V1.WatchRequest.self)
                        let call = StreamedCalls(method: method, messages: types, request: "") { line in
                            lines.append(line)
                            wrote(line)
                        }
                        let source = InputLines(descriptor: input.reader, limit: 10_000)
                        try call.run(&session, input: source, key: IdempotencyKey())
                        return lines
                    }
                )
            }
        }
        await server.shutdown()
        close(input.reader)
        return try result.get()
    }

    @Test("On both sides: each line is answered before the next one is typed")
    func both() async throws {
        let input = try Input()
        input.write("{\"interface\": \"wg0\"}\n")
        let count = Atomic(0)
        let lines = try await run(method("Both", replies: true), input) { _ in
            switch count.add(1, ordering: .relaxed).newValue {
            case 1: input.write("\n  \n{\"since\": 7,")
            case 2: input.end()
            default: break
            }
            if count.load(ordering: .relaxed) == 1 { input.write(" \"intervalMs\": 1000}\n") }
        }
        #expect(lines == ["{\"interface\":\"wg0\"}\n", "{\"intervalMs\":1000,\"since\":\"7\"}\n"])
    }

    @Test(
        "Of the client alone: every line is a message, the end of the input ends the request",
        arguments: [0, 3, 20_000]
    )
    func requests(count: Int) async throws {
        let input = try Input()
        Thread.detachNewThread {
            for number in 0..<count { input.write("{\"since\": \"\(number)\"}\n") }
            input.end()
        }
        let lines = try await run(method("Count", replies: false), input)
        #expect(lines == ["{\"since\":\"\(count)\"}\n"])
    }

    @Test(
        "A line that is no request gives the call up and is named",
        arguments: [
            ("{}\n{\"interfaces\": 1}\n", "line 2: "), ("{}\n\n[]\n", "line 3: "), ("nonsense", "line 1: "),
            ("{}\n" + String(repeating: " ", count: 11_000), "line 2 of standard input has more than"),
        ]
    )
    func badLine(text: String, words: String) async throws {
        let input = try Input()
        Thread.detachNewThread {
            input.write(text)
            input.end()
        }
        let failure = try await #require(throws: Failure.self) { try await run(method("Both", replies: true), input) }
        #expect(failure.message.hasPrefix(words), "\(failure.message)")
        #expect(failure.status == .usage)
    }

    @Test("Lines are taken as they come, whole")
    func lines() throws {
        let input = try Input()
        var lines = InputLines(descriptor: input.reader, limit: 10)
        func next() throws -> String {
            switch try lines.next() {
            case .message(let line): "\(line.number) \(line.text)"
            case .notYet: "not yet"
            case .end: "end"
            }
        }
        #expect(try next() == "not yet")
        input.write("one\ntw")
        #expect(try next() == "1 one")
        #expect(try next() == "not yet")
        input.write("o\n\n\nlast")
        #expect(try next() == "2 two")
        #expect(try next() == "not yet")
        input.end()
        #expect(try next() == "5 last")
        #expect(try next() == "end")
        #expect(try next() == "end")
        close(input.reader)
    }

    @Test(
        "A method is called in its own way, or the command says which that is",
        arguments: [
            (["Events/Watch"], "add --stream"), (["Peers/Get", "--stream"], "leave --stream out"),
            (["Events/Watch", "--stream", "-o", "yaml"], "not YAML"),
        ]
    )
    func usage(arguments: [String], words: String) throws {
        let run = try Run.program([Here.program(), "call"] + arguments)
        #expect(run.status == ExitStatus.usage.rawValue)
        #expect(run.errors.contains(words), "\(run.errors)")
    }

    @Test("methods says which sides have a stream")
    func streams() throws {
        #expect(try Run.program([Here.program(), "methods", "Events/Watch"]).output.contains("reply"))
        let json = try Run.program([Here.program(), "methods", "Events/Watch", "-o", "json"]).output
        let method = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(method["reply_stream"] as? Bool == true && method["request_stream"] as? Bool == false)
    }
}
