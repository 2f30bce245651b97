// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
package import WGMModel

/// What has been read of the kernel's answer to one request, without any I/O.
package struct NetlinkAnswer {
    let sequence: UInt32
    let port: UInt32
    /// What was asked, for the error.
    let purpose: String
    package private(set) var isComplete = false
    /// What the dump shows changed while it was read: it is worth nothing.
    private(set) var wasInterrupted = false
    /// The kernel's refusal, or the first failure to read what it sent.
    package private(set) var failure: KernelFailure?

    package init(sequence: UInt32, port: UInt32, purpose: String) {
        self.sequence = sequence
        self.port = port
        self.purpose = purpose
    }

    /// Reads one datagram; messages that answer an earlier request are passed over.
    ///
    /// A failure of `body` is kept until the answer is complete, so that the socket stays in step.
    package mutating func read(
        _ datagram: RawSpan,
        _ body: (UInt16, RawSpan) throws(KernelFailure) -> Void
    ) throws(KernelFailure) {
        try datagram.forEachMessage { (header, payload) throws(KernelFailure) in
            guard header.nlmsg_seq == sequence, header.nlmsg_pid == port, !isComplete else { return }
            if Int32(header.nlmsg_flags) & NLM_F_DUMP_INTR != 0 { wasInterrupted = true }
            switch Int32(header.nlmsg_type) {
            case NLMSG_NOOP: break
            case NLMSG_ERROR, NLMSG_DONE: try finish(header, payload)
            case NLMSG_OVERRUN: throw .malformed
            default: lend(header.nlmsg_type, payload, to: body)
            }
        }
    }

    private mutating func lend(
        _ type: UInt16,
        _ payload: RawSpan,
        to body: (UInt16, RawSpan) throws(KernelFailure) -> Void
    ) {
        guard failure == nil else { return }
        do throws(KernelFailure) {
            try body(type, payload)
        } catch {
            failure = error
        }
    }

    /// Both endings start with an error number, 0 or negative; attributes with the kernel's words may follow.
    private mutating func finish(_ header: nlmsghdr, _ payload: RawSpan) throws(KernelFailure) {
        isComplete = true
        guard let number = payload.load(Int32.self) else {
            guard Int32(header.nlmsg_type) == NLMSG_DONE, payload.isEmpty else { throw .malformed }
            return
        }
        guard number != 0, failure == nil else { return }
        let words = Self.words(header, payload) ?? ""
        failure = KernelFailure(errno: number == .min ? EIO : abs(number), purpose: purpose, words: words)
    }

    /// The text of the extended acknowledgement; nil when there is none, or none that can be read.
    static func words(_ header: nlmsghdr, _ payload: RawSpan) -> String? {
        guard Int32(header.nlmsg_flags) & NLM_F_ACK_TLVS != 0 else { return nil }
        var offset = MemoryLayout<Int32>.size
        if Int32(header.nlmsg_type) == NLMSG_ERROR {
            guard let request = payload.load(nlmsghdr.self, at: offset) else { return nil }
            let isCapped = Int32(header.nlmsg_flags) & NLM_F_CAPPED != 0
            let length = isCapped ? MemoryLayout<nlmsghdr>.size : Int(request.nlmsg_len)
            offset += (length + 3) & ~3
        }
        var words: String?
        try? payload.forEachAttribute(from: offset) { (type, value) throws(KernelFailure) in
            if type == NLMSGERR_ATTR_MSG.type { words = value.text }
        }
        return words
    }
}
