// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WGMRPC

@testable import WGMWire

@Suite("Server: streams")
struct ServerStreamTests {
    @Test(
        "A stream of replies arrives whole and in order, whatever the size of a message",
        arguments: [
            (0, 1), (3, 0), (1000, 10), (5, 65_536), (4, 1_000_000), (40, 100_000),
        ]
    )
    func replies(count: Int, size: Int) async throws {
        try await ServerFixture.run { fixture in
            let received = try await fixture.onThread {
                var client = try fixture.client()
                var received: [[UInt8]] = []
                let request = Array("\(count) \(size)".utf8)
                try client.call("t.Stream/Numbers", request, options: CallOptions()) { (message) throws(Status) in
                    received.append(message)
                    return true
                }
                return received
            }
            #expect(received.count == count)
            #expect(received.allSatisfy { $0.count == size })
            #expect(
                received.compactMap(\.first) == (size == 0 ? [] : (0..<count).map { UInt8(truncatingIfNeeded: $0) })
            )
        }
    }

    @Test("A stream of requests arrives whole", arguments: [(0, 1), (3, 0), (1000, 10), (4, 1_000_000)])
    func requests(count: Int, size: Int) async throws {
        try await ServerFixture.run { fixture in
            let total = try await fixture.onThread {
                var client = try fixture.client()
                var left = count
                return try client.call("t.Stream/Count", options: CallOptions()) { () throws(Status) in
                    left -= 1
                    return left < 0 ? nil : [UInt8](repeating: 0, count: size)
                }
            }
            #expect(total == Array("\(count * size)".utf8))
        }
    }

    @Test("A request over the limit of CALL arrives as DATA, one over the method's limit is refused")
    func largeRequest() async throws {
        try await ServerFixture.run { fixture in
            let large = [UInt8](repeating: 5, count: 1024 * 1024 + 1)
            try await #expect(fixture.call("t.Echo/Now", large) == large)
            let refused = await #expect(throws: Status.self) { try await fixture.call("t.Echo/Small", large) }
            #expect(refused?.code == .resourceExhausted)
            try await #expect(fixture.call("t.Echo/Now", [1]) == [1])
        }
    }

    @Test("Both sides send as they please: replies come while there is nothing to send yet")
    func both() async throws {
        try await ServerFixture.run { fixture in
            let received = try await fixture.onThread {
                var client = try fixture.client()
                var received: [String] = []
                var waited = 0
                let words = ["ab", "", String(repeating: "c", count: 300_000), "d"]
                var sent = 0
                try client.call("t.Stream/Upper", options: CallOptions(), every: .milliseconds(5)) {
                    () throws(Status) in
                    guard sent < words.count else { return .end }
                    // The next message depends on the answer to the one before.
                    guard received.count == sent else {
                        waited += 1
                        return .notYet
                    }
                    sent += 1
                    return .message(Array(words[sent - 1].utf8))
                } each: { (bytes) throws(Status) in
                    received.append(String(decoding: bytes, as: UTF8.self))
                    return true
                }
                #expect(waited > 0)
                #expect(try client.call("t.Echo/Now", [1], options: CallOptions()) == [1])
                return received
            }
            #expect(received == ["AB", "", String(repeating: "C", count: 300_000), "D"])
        }
    }

    @Test("More than there is credit for goes both ways without either side waiting for the other's end")
    func bothLarge() async throws {
        try await ServerFixture.run { fixture in
            let sizes = try await fixture.onThread {
                var client = try fixture.client()
                var sizes: [Int] = []
                var left = 60
                try client.call("t.Stream/Upper", options: CallOptions(), every: .milliseconds(5)) {
                    () throws(Status) in
                    left -= 1
                    return left < 0 ? .end : .message(Array(repeating: 97, count: 100_000))
                } each: { (bytes) throws(Status) in
                    sizes.append(bytes.count)
                    return true
                }
                return sizes
            }
            #expect(sizes == Array(repeating: 100_000, count: 60))
        }
    }

    @Test("Giving up a call with streams on both sides cancels its handler", arguments: [true, false])
    func giveUpBoth(inNext: Bool) async throws {
        try await ServerFixture.run { fixture in
            try await fixture.onThread {
                var client = try fixture.client()
                var sent = 0
                let giveUp = { () throws(Status) in
                    try client.call("t.Stream/Upper", options: CallOptions(), every: .milliseconds(5)) {
                        () throws(Status) in
                        sent += 1
                        guard sent < 2 || !inNext else { throw Status(.aborted, "no more") }
                        return sent < 2 ? .message([97]) : .notYet
                    } each: { (_) throws(Status) in
                        inNext
                    }
                }
                if inNext {
                    #expect(throws: Status(.aborted, "no more")) { try giveUp() }
                } else {
                    try giveUp()
                }
                #expect(try client.call("t.Echo/Now", [1], options: CallOptions()) == [1])
            }
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 0 })
        }
    }

    @Test("Giving a stream up cancels its handler, and the connection stays of use")
    func giveUp() async throws {
        try await ServerFixture.run { fixture in
            try await fixture.onThread {
                var client = try fixture.client()
                var count = 0
                try client.call("t.Stream/Numbers", Array("100000 1000".utf8), options: CallOptions()) {
                    (_) throws(Status) in
                    count += 1
                    return count < 3
                }
                #expect(count == 3)
                #expect(try client.call("t.Echo/Now", [1], options: CallOptions()) == [1])
            }
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 0 })
        }
    }

    @Test("A stream to a method that there is not ends with UNIMPLEMENTED")
    func unknown() async throws {
        try await ServerFixture.run { fixture in
            try await fixture.onThread {
                var client = try fixture.client()
                var left = 3
                #expect(throws: Status.unimplemented(method: "t.Nowhere/Now")) {
                    try client.call("t.Nowhere/Now", options: CallOptions()) { () throws(Status) in
                        left -= 1
                        return left < 0 ? nil : [1, 2, 3]
                    }
                }
                #expect(try client.call("t.Echo/Now", [1], options: CallOptions()) == [1])
            }
        }
    }

    @Test("A caller without credit gets RESYNC, while other streams of its connection go on")
    func resync() async throws {
        try await ServerFixture.run { fixture in
            let numbers = V1.Call(method: "t.Stream/Numbers", message: Array("100 100000".utf8)).serialized()
            let call = Raw.frame(.call, stream: 1, flags: [.endStream, .hasMessage], aux: 1, numbers)
            let other = Raw.frame(
                .call,
                stream: 3,
                flags: [.endStream, .hasMessage],
                aux: 1,
                V1.Call(method: "t.Stream/Numbers", message: Array("2 1000".utf8)).serialized()
            )
            let frames = try Raw.frames(
                try await fixture.exchange(Raw.authenticated + call + other + Raw.frame(.goaway, []))
            )
            let ends = try frames.filter { $0.type == .end }.map { ($0.stream, try V1.End(serialized: $0.payload)) }
            #expect(ends.map(\.0) == [3, 1])
            #expect(ends.map(\.1.code) == [0, StatusCode.resourceExhausted.rawValue])
            #expect(ends.last?.1.details?.errorInfo?.reason == "RESYNC")
            let sent = frames.filter { $0.type == .data && $0.stream == 1 }.reduce(0) { $0 + $1.payload.count + 12 }
            #expect(sent == 256 * 1024)
        }
    }

    @Test("A stream without a deadline ends with UNAVAILABLE when the server shuts down, and does not hold it up")
    func shutdown() async throws {
        var limits = WireLimits.quickToClose
        limits.drainTime = .seconds(60)
        try await ServerFixture.run(limits) { fixture in
            let began = Moment.now()
            async let refused = fixture.onThread {
                var client = try fixture.client()
                return #expect(throws: Status.self) {
                    try client.call("t.Stream/Sleep", [], options: CallOptions()) { (_) throws(Status) in true }
                }
            }
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 1 })
            await fixture.server.shutdown()
            #expect(try await refused?.code == .unavailable)
            #expect(Moment.now().since(began) < .seconds(30))
        }
    }

    @Test("A deadline that the caller names ends a stream")
    func deadline() async throws {
        try await ServerFixture.run { fixture in
            let refused = try await fixture.onThread {
                var client = try fixture.client()
                var options = CallOptions()
                options.timeout = .milliseconds(100)
                return #expect(throws: Status.self) {
                    try client.call("t.Stream/Sleep", [], options: options) { (_) throws(Status) in true }
                }
            }
            #expect(refused == Status(.deadlineExceeded, "the deadline has passed"))
            try await #expect(fixture.eventually { fixture.server.runningHandlers == 0 })
        }
    }

    @Test("The expiry of its token ends a stream")
    func expiry() async throws {
        try await ServerFixture.run { fixture in
            let refused = try await fixture.onThread {
                var client = try fixture.client("brief")
                return #expect(throws: Status.self) {
                    try client.call("t.Stream/Sleep", [], options: CallOptions()) { (_) throws(Status) in true }
                }
            }
            #expect(refused == Status(.unauthenticated, "the token has expired"))
        }
    }
}
