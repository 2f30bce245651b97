// SPDX-License-Identifier: Apache-2.0
internal import WGMRPC
internal import WGMWire

extension InteropClient {
    static let streamCases: [(name: String, run: @Sendable (Client) async throws -> Void)] = [
        ("client_streaming", clientStreaming),
        ("server_streaming", serverStreaming),
        ("ping_pong", pingPong),
        ("large_stream", largeStream),
        ("empty_stream", emptyStream),
        ("cancel_after_begin", cancelAfterBegin),
        ("cancel_after_first_response", cancelAfterFirstResponse),
        ("many_streams", manyStreams),
    ]

    private static let sizes: [(request: Int, response: UInt32)] = [
        (27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979),
    ]

    @Sendable private static func clientStreaming(_ client: Client) async throws {
        let call = try await client.interopCollect()
        for (size, _) in sizes { try await call.send(V1.CollectRequest(payload: zeros(size))) }
        try expect("total_size", try await call.reply().totalSize, 74_922)
    }

    @Sendable private static func serverStreaming(_ client: Client) async throws {
        let call = try await client.interopProduce(V1.ProduceRequest(responseSizes: sizes.map(\.response)))
        var found: [UInt32] = []
        for try await message in call { found.append(UInt32(message.payload?.count ?? 0)) }
        try expect("the sizes", found, sizes.map(\.response))
    }

    @Sendable private static func pingPong(_ client: Client) async throws {
        let call = try await client.interopConverse()
        for (size, response) in sizes {
            try await call.send(V1.ConverseRequest(payload: zeros(size), responseSizes: [response]))
            try expect("the answer's size", try await call.next()?.payload?.count, Int(response))
        }
        call.finish()
        try expect("what follows", try await call.next(), nil)
    }

    @Sendable private static func largeStream(_ client: Client) async throws {
        let call = try await client.interopConverse()
        try await call.send(V1.ConverseRequest(responseSizes: [1_000_000, 1_000_000]))
        call.finish()
        for _ in 0..<2 { try expect("the size", try await call.next()?.payload?.count, 1_000_000) }
        try expect("what follows", try await call.next(), nil)
    }

    @Sendable private static func emptyStream(_ client: Client) async throws {
        let call = try await client.interopConverse()
        call.finish()
        try expect("what comes", try await call.next(), nil)
    }

    @Sendable private static func cancelAfterBegin(_ client: Client) async throws {
        let call = try await client.interopCollect()
        call.cancel()
        try expect("the code", await status { () throws(Status) in _ = try await call.next() }.code, .cancelled)
    }

    @Sendable private static func cancelAfterFirstResponse(_ client: Client) async throws {
        let call = try await client.interopConverse()
        try await call.send(V1.ConverseRequest(payload: zeros(27_182), responseSizes: [31_415]))
        try expect("the size", try await call.next()?.payload?.count, 31_415)
        call.cancel()
        try expect("the code", await status { () throws(Status) in _ = try await call.next() }.code, .cancelled)
    }

    @Sendable private static func manyStreams(_ client: Client) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 { group.addTask { try await pingPong(client) } }
            try await group.waitForAll()
        }
    }
}
