// SPDX-License-Identifier: Apache-2.0
internal import WGMKernel
internal import WGMModel

/// Datagrams of the kernel that answer request 7 on port 9: links and WireGuard devices.
///
/// Read again they say the same, and no peer has the key of zeros.
struct NetlinkAnswers: FuzzTarget {
    static let name = "netlink"
    private static let newLink: UInt16 = 16

    init() {}

    func run(_ input: [UInt8]) throws {
        let first = Self.read(input)
        try require(first == Self.read(input), "read again the answer differs")
        try require(first.device.peers.keys.allSatisfy { !$0.isZero }, "a peer has the key of zeros")
        try require(first.device.publicKey?.isZero != true, "the device has the key of zeros")
    }

    private struct Content: Equatable {
        var device = DeviceDump()
        var links: [Link] = []
        var failure: KernelFailure?
        var isComplete = false
    }

    private static func read(_ input: [UInt8]) -> Content {
        var content = Content()
        var answer = NetlinkAnswer(sequence: 7, port: 9, purpose: "fuzzing")
        do throws(KernelFailure) {
            try unsafe answer.read(input.span.bytes) { (type, payload) throws(KernelFailure) in
                if type == newLink { content.links.append(try Link(payload)) } else { try content.device.read(payload) }
            }
            content.failure = answer.failure
        } catch {
            content.failure = error
        }
        content.isComplete = answer.isComplete
        return content
    }
}
