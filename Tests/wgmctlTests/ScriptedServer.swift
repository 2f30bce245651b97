// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import WGMWire

/// The other end of the socket: the real protocol, with answers that a test decides.
final class ScriptedServer: Sendable {
    enum Answer: Sendable {
        case reply([UInt8])
        case failure(Status)
        /// Closes the connection without a word.
        case hangUp

        static func reply(_ message: some WireMessage) -> Answer { .reply(message.serialized()) }
    }

    struct Call: Sendable {
        var method: String
        var message: [UInt8]
        var token: String?
        var idempotencyKey: [UInt8]?
    }

    private struct State {
        var calls: [Call] = []
        var logins = 0
    }

    let path: String
    private let listener: Int32
    private let accepts: @Sendable (String) -> Bool
    private let answer: @Sendable (Call) -> Answer
    private let state = Mutex(State())

    var calls: [Call] { state.withLock { $0.calls } }
    var methods: [String] { calls.map { String($0.method.dropFirst("wgm.v1.".count)) } }

    /// Answers Auth/Login with `token-1`, `token-2` and so on, and everything else as the test says.
    init(
        in folder: Folder,
        accepts: @escaping @Sendable (String) -> Bool = { _ in true },
        answer: @escaping @Sendable (Call) -> Answer
    ) throws {
        path = folder.file("s")
        self.accepts = accepts
        self.answer = answer
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 16) == 0 else { throw CocoaError(.fileWriteUnknown) }
        Thread.detachNewThread { [weak self] in
            while true {
                let client = Glibc.accept(listener, nil, nil)
                guard client >= 0, let self else { return }
                Thread.detachNewThread { self.serve(client) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static var now: Moment { Moment(nanoseconds: DispatchTime.now().uptimeNanoseconds) }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var connection = ServerConnection(limits: WireLimits(), agent: "test", now: Self.now, unixMilliseconds: 0)
        var tokens: [Int: String] = [:]
        while true {
            while let event = connection.nextEvent(now: Self.now) {
                switch event {
                case .authenticate(let slot, let token):
                    if accepts(token) {
                        tokens[slot] = token
                        let end = Self.now + .seconds(600)
                        connection.accept(slot: slot, subject: "tester", scopes: [], expires: end, unixMilliseconds: 0)
                    } else {
                        connection.refuse(slot: slot, Status(.unauthenticated, "the token is no good"))
                    }
                case .call(let call):
                    guard let outcome = outcome(of: call, token: tokens[call.slot]) else { return }
                    connection.end(call.stream, outcome)
                case .refused, .stopped, .slotExpired, .message, .requestEnd: continue
                case .closing: return
                }
            }
            let output = connection.takeOutput()
            let sent = unsafe output.isEmpty ? 0 : send(client, output, output.count, Int32(MSG_NOSIGNAL))
            guard sent == output.count else { return }
            var input = [UInt8](repeating: 0, count: 65536)
            let count = unsafe recv(client, &input, input.count, 0)
            guard count > 0 else { return }
            input.removeLast(input.count - count)
            unsafe connection.receive(input.span.bytes)
        }
    }

    private func outcome(of call: ReceivedCall, token: String?) -> CallOutcome? {
        let call = Call(
            method: call.method,
            message: call.message ?? [],
            token: token,
            idempotencyKey: call.idempotencyKey
        )
        let login = state.withLock { state -> Int in
            state.calls.append(call)
            if call.method == V1.Auth.login.name { state.logins += 1 }
            return state.logins
        }
        switch call.method == V1.Auth.login.name ? Self.login(login) : answer(call) {
        case .reply(let bytes): return CallOutcome(reply: bytes)
        case .failure(let status): return CallOutcome(failure: status)
        case .hangUp: return nil
        }
    }

    private static func login(_ number: Int) -> Answer {
        .reply(
            V1.LoginResponse(
                token: "token-\(number)",
                expiresUnixMs: Int64(Date().timeIntervalSince1970 * 1000) + 900_000,
                principal: "tester",
                roles: ["operator"],
                becameFirstAdmin: false
            )
        )
    }
}
