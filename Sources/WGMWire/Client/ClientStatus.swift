// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension Status {
    /// Why there is no connection, and what to do about it.
    package init(connecting path: String, failed number: Int32) {
        switch number {
        case ENOENT:
            self.init(.unavailable, "there is no socket \(path): is wgmd running?", reason: "NOT_RUNNING")
        case ECONNREFUSED where !Self.isSocket(path):
            self.init(.invalidArgument, "\(path) is not wgmd's socket", reason: "NOT_A_SOCKET")
        case ECONNREFUSED:
            self.init(.unavailable, "nobody answers at \(path): wgmd has stopped", reason: "NOT_RUNNING")
        case EACCES, EPERM:
            let words = "this user may not open \(path): its session must be in the group wgm"
            self.init(.permissionDenied, words, reason: "SOCKET_FORBIDDEN")
        case EAGAIN, ETIMEDOUT:
            self.init(.unavailable, "wgmd does not accept connections at \(path): is it overloaded?", reason: "BUSY")
        case ENAMETOOLONG:
            self.init(.invalidArgument, "the path of a socket has at most 107 bytes: \(path)", reason: "PATH_TOO_LONG")
        case ENOTSOCK, EPROTOTYPE:
            self.init(.invalidArgument, "\(path) is not wgmd's socket", reason: "NOT_A_SOCKET")
        default:
            let words = unsafe String(cString: strerror(number))
            self.init(.unavailable, "cannot connect to \(path): \(words)", reason: "CONNECT_FAILED")
        }
    }

    private static func isSocket(_ path: String) -> Bool {
        var entry = stat()
        guard unsafe stat(path, &entry) == 0 else { return true }
        return entry.st_mode & S_IFMT == S_IFSOCK
    }

    /// nil when the call succeeded.
    package init?(_ end: V1.End) {
        guard end.code != StatusCode.ok.rawValue else { return nil }
        self.init(
            end.code.flatMap(StatusCode.init) ?? .unknown,
            end.message ?? "",
            details: end.details,
            retryAfterMilliseconds: end.retryAfterMs
        )
    }

    /// nil when the token was accepted.
    package init?(_ authed: V1.Authed) {
        guard authed.code != StatusCode.ok.rawValue else { return nil }
        self.init(authed.code.flatMap(StatusCode.init) ?? .unauthenticated, authed.message ?? "the token was refused")
    }

    /// The connection ended before the call did.
    package init(connectionLost goaway: V1.Goaway?, _ fault: ConnectionFault?, callMayHaveRun: Bool) {
        let why =
            if let fault {
                "the server broke the protocol: \(fault.words)"
            } else if let goaway {
                "the server closed the connection: \(goaway.message ?? "no reason given")"
            } else {
                "the server closed the connection without a word"
            }
        let code: StatusCode =
            switch goaway?.code.flatMap(GoawayReason.init) {
            case .version: .failedPrecondition
            case .tooLarge, .tooManyConnections: .resourceExhausted
            default: .unavailable
            }
        self.init(
            code,
            "\(why); the call \(callMayHaveRun ? "may have run" : "has not run")",
            reason: callMayHaveRun ? "MAY_HAVE_RUN" : "NEVER_RUN",
            retryAfterMilliseconds: goaway?.retryAfterMs
        )
    }
}
