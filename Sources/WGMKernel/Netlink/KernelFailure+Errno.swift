// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMModel

extension KernelFailure {
    private static let messageLimit = 500

    /// The one place where an error number gets its meaning; `purpose` is what was being done.
    init(errno number: Int32, purpose: String, words: String = "") {
        let system = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        let detail = words.isEmpty ? system : "\(system) (\(words))"
        self.init(Self.reason(number), errno: number, Self.printable("\(purpose): \(detail)"))
    }

    private static func reason(_ number: Int32) -> Reason {
        switch number {
        case ENODEV, ENXIO: .noSuchInterface
        case EEXIST: .alreadyExists
        case EPERM, EACCES: .notPermitted
        case EADDRINUSE: .inUse
        case EINVAL, ERANGE, EMSGSIZE, EPROTO, EDESTADDRREQ, EAFNOSUPPORT, EADDRNOTAVAIL: .invalidArgument
        default: .other
        }
    }

    /// At most 500 bytes of visible ASCII.
    static func printable(_ text: String) -> String {
        let visible = text.utf8.prefix(messageLimit).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        return String(decoding: visible, as: UTF8.self)
    }
}
