// SPDX-License-Identifier: Apache-2.0
internal import WGMKernel
internal import WGMModel

/// Answers of a userspace implementation in WireGuard's text protocol.
///
/// However they are cut into reads, they say the same.
struct TextProtocol: FuzzTarget {
    static let name = "uapi"

    init() {}

    func run(_ input: [UInt8]) throws {
        let whole = Self.read(input, pieces: max(1, input.count))
        try require(whole == Self.read(input, pieces: 1 + input.count % 7), "cut into pieces the answer differs")
        try require(whole == Self.read(input, pieces: 1), "byte by byte the answer differs")
        try require(whole.device.peers.keys.allSatisfy { !$0.isZero }, "a peer has the key of zeros")
    }

    private struct Content: Equatable {
        var device = DeviceDump()
        var failure: KernelFailure?
        var isComplete = false
    }

    private static func read(_ input: [UInt8], pieces size: Int) -> Content {
        var reply = UAPIReply(purpose: "fuzzing")
        var content = Content()
        do throws(KernelFailure) {
            for start in stride(from: 0, to: input.count, by: size) {
                try unsafe reply.read(input.span.bytes.extracting(start..<min(start + size, input.count)))
            }
        } catch {
            content.failure = error
        }
        if content.failure == nil { content.device = reply.device }
        content.isComplete = reply.isComplete
        return content
    }
}
