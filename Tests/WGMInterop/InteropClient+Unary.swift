// SPDX-License-Identifier: Apache-2.0
internal import WGMRPC
internal import WGMWire

extension InteropClient {
    static let unaryCases: [(name: String, run: @Sendable (Client) async throws -> Void)] = [
        ("empty_unary", emptyUnary),
        ("large_unary", { try await unary($0, 271_828, 314_159) }),
        ("huge_unary", { try await unary($0, 1_500_000, 7) }),
        ("custom_metadata", customMetadata),
        ("status_code_and_message", { try await statuses($0, "test status message") }),
        (
            "special_status_message",
            { try await statuses($0, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n") }
        ),
        ("unimplemented_method", { try await unimplemented($0, V1.Interop.unimplemented.name) }),
        ("unimplemented_service", { try await unimplemented($0, "wgm.interop.v1.Nowhere/Unimplemented") }),
        ("timeout_on_sleeping_server", timeouts),
        ("second_message", secondMessage),
        ("soak", { for _ in 0..<1000 { try await unary($0, 271, 314) } }),
    ]

    @Sendable private static func emptyUnary(_ client: Client) async throws {
        let channel = try await client.open(V1.Interop.empty.name, [], options: CallOptions())
        try expect("the reply", try await channel.next(), [])
        try expect("what follows", try await channel.next(), nil)
    }

    private static func unary(_ client: Client, _ size: Int, _ responseSize: UInt32) async throws {
        let request = V1.UnaryRequest(payload: zeros(size), responseSize: responseSize)
        let reply = try await client.interopUnary(request)
        try expect("the payload's size", reply.payload?.count ?? 0, Int(responseSize))
    }

    @Sendable private static func customMetadata(_ client: Client) async throws {
        let value: [UInt8] = [0x00, 0xff, 0x01]
        var options = CallOptions()
        options.metadata = [("x-echo", value)]
        let message = V1.UnaryRequest(responseSize: 9).serialized()
        let unary = try await client.open(V1.Interop.unary.name, message, options: options)
        while try await unary.next() != nil {}
        let both = try await client.interopConverse(options: options)
        try await both.send(V1.ConverseRequest(responseSizes: [9]))
        both.finish()
        while try await both.next() != nil {}
        for trailers in [unary.trailers, both.trailers] {
            try expect("the trailer", trailers.first { $0.key == "x-echo" }?.value, value)
        }
    }

    private static func statuses(_ client: Client, _ text: String) async throws {
        let wanted = V1.EchoStatus(code: 2, message: text)
        let unary = await status { () throws(Status) in
            _ = try await client.interopUnary(V1.UnaryRequest(responseStatus: wanted))
        }
        let both = await status { () throws(Status) in
            let call = try await client.interopConverse()
            try await call.send(V1.ConverseRequest(responseStatus: wanted))
            while try await call.next() != nil {}
        }
        for (code, message) in [unary, both] {
            try expect("the code", code, .unknown)
            try expect("the text", Array(message.utf8), Array(text.utf8))
        }
    }

    private static func unimplemented(_ client: Client, _ method: String) async throws {
        let found = await status { () throws(Status) in
            let call = try await client.open(method, [], options: CallOptions())
            while try await call.next() != nil {}
        }
        try expect("the code", found.code, .unimplemented)
    }

    @Sendable private static func timeouts(_ client: Client) async throws {
        var options = CallOptions()
        options.timeout = .milliseconds(100)
        let began = Moment.now()
        let chosen = options
        let unary = await status { () throws(Status) in
            _ = try await client.interopUnary(V1.UnaryRequest(sleepMs: 10_000), options: chosen)
        }
        let both = await status { () throws(Status) in
            let call = try await client.interopConverse(options: chosen)
            try await call.send(V1.ConverseRequest())
            while try await call.next() != nil {}
        }
        try expect("the code", unary.code, .deadlineExceeded)
        try expect("the stream's code", both.code, .deadlineExceeded)
        guard Moment.now().since(began) < .seconds(2) else { throw InteropFailure("it took more than 2 s") }
    }

    @Sendable private static func secondMessage(_ client: Client) async throws {
        let found = await status { () throws(Status) in
            let call = try await client.open(V1.Interop.unary.name, nil, isComplete: false, options: CallOptions())
            let message = V1.UnaryRequest(responseSize: 1).serialized()
            try await call.send(message, patience: nil)
            try await call.send(message, patience: nil)
            call.finish()
            while try await call.next() != nil {}
        }
        try expect("the code", found.code, .invalidArgument)
        try await emptyUnary(client)
    }
}
