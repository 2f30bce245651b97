// SPDX-License-Identifier: Apache-2.0

import CMnl
import Glibc
import Testing
import WGMModel

@testable import WGMKernel

@Suite("Netlink answers")
struct NetlinkAnswerTests {
    private static let error = UInt16(NLMSG_ERROR)
    private static let done = UInt16(NLMSG_DONE)

    /// The answer after the datagrams, and the types of the messages that were lent.
    private func read(_ datagrams: [UInt8]...) throws -> (answer: NetlinkAnswer, types: [UInt16]) {
        var answer = NetlinkAnswer(sequence: 1, port: 9, purpose: "testing")
        var types: [UInt16] = []
        for datagram in datagrams {
            try datagram.withSpan { (span) throws(KernelFailure) in
                try answer.read(span) { (type, _) throws(KernelFailure) in types.append(type) }
            }
        }
        return (answer, types)
    }

    private func refusal(_ number: Int32, words: String, capped: Bool) -> [UInt8] {
        let request = [UInt8].message(type: 16, [1, 2, 3, 4, 5, 6, 7, 8])
        let text = [UInt8].attribute(NLMSGERR_ATTR_MSG, Array(words.utf8) + [0])
        let offset = [UInt8].attribute(NLMSGERR_ATTR_OFFS, .number(UInt32(20)))
        let flags = NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0)
        let payload = .number(-number) + (capped ? Array(request[..<16]) : request) + offset + text
        return .message(type: Self.error, flags: UInt16(flags), payload)
    }

    @Test("an acknowledgement without error completes the answer")
    func acknowledgement() throws {
        let answer = try read(.message(type: Self.error, .number(Int32(0)) + [UInt8](repeating: 0, count: 16))).answer
        #expect(answer.isComplete)
        #expect(answer.failure == nil)
    }

    @Test("the kernel's words are part of the failure, whether or not the request came back", arguments: [true, false])
    func extendedAcknowledgement(_ capped: Bool) throws {
        let failure = try #require(
            try read(refusal(EOPNOTSUPP, words: "Unknown device type", capped: capped)).answer.failure
        )
        #expect(failure.errno == EOPNOTSUPP)
        #expect(failure.message == "testing: Operation not supported (Unknown device type)")
    }

    @Test(
        "each error number has its own meaning",
        arguments: [
            (ENODEV, KernelFailure.Reason.noSuchInterface), (EEXIST, .alreadyExists), (EPERM, .notPermitted),
            (EACCES, .notPermitted), (EADDRINUSE, .inUse), (EINVAL, .invalidArgument), (ENOBUFS, .other),
        ]
    )
    func reasons(_ number: Int32, _ reason: KernelFailure.Reason) throws {
        let failure = try read(refusal(number, words: "x", capped: true)).answer.failure
        #expect(failure?.reason == reason)
    }

    @Test("the kernel's words are bounded and printable")
    func words() throws {
        let words = String(repeating: "\u{1b}[2Jé", count: 400)
        let failure = try #require(try read(refusal(EINVAL, words: words, capped: true)).answer.failure)
        #expect(failure.message.utf8.count <= 500)
        #expect(failure.message.utf8.allSatisfy { (0x20...0x7e).contains($0) })
    }

    @Test("a dump ends with its own message, over several datagrams")
    func dump() throws {
        let part = [UInt8].message(type: 30, flags: UInt16(NLM_F_MULTI), [1, 2, 3, 4])
        let (answer, types) = try read(part + part, part, .message(type: Self.done, .number(Int32(0))))
        #expect(answer.isComplete && answer.failure == nil && !answer.wasInterrupted)
        #expect(types == [30, 30, 30])
    }

    @Test("a dump that ends with an error fails")
    func failedDump() throws {
        let answer = try read(.message(type: Self.done, .number(-ENODEV))).answer
        #expect(answer.failure?.reason == .noSuchInterface)
    }

    @Test("a dump during which something changed says so")
    func interruptedDump() throws {
        let answer = try read(
            .message(type: 30, flags: UInt16(NLM_F_DUMP_INTR), []),
            .message(type: Self.done, .number(Int32(0)))
        )
        #expect(answer.answer.wasInterrupted)
    }

    @Test("messages for another request or another socket are passed over")
    func stale() throws {
        let (answer, types) = try read(
            .message(type: 30, sequence: 2, []) + .message(type: Self.error, port: 8, .number(-EPERM))
                + .message(type: 31, [])
        )
        #expect(!answer.isComplete)
        #expect(types == [31])
    }

    @Test("every cut and every wrong length is refused or passed over, and nothing traps")
    func hostileLengths() throws {
        let good = refusal(EINVAL, words: "words", capped: false)
        for length in 0..<good.count { _ = try? read(Array(good[..<length])) }
        for index in good.indices {
            for value: UInt8 in [0, 1, 3, 4, 5, 15, 16, 17, 0x7f, 0x80, 0xff] {
                var bad = good
                bad[index] = value
                _ = try? read(bad)
            }
        }
        let tooLong = [UInt8].number(UInt32.max) + good.dropFirst(4)
        #expect(throws: KernelFailure.self) { try read(tooLong) }
    }

    @Test(
        "an attribute longer than its message, or shorter than its header, is malformed",
        arguments: [0, 3, 9, 0xffff]
    )
    func hostileAttributes(_ length: UInt16) {
        let bytes = [UInt8].number(length) + [1, 0, 0, 0, 0, 0]
        #expect(throws: KernelFailure.self) {
            try bytes.withSpan { (span) throws(KernelFailure) in
                try span.forEachAttribute { (_, _) throws(KernelFailure) in }
            }
        }
    }
}
