// SPDX-License-Identifier: Apache-2.0

import CWGMSystem
internal import Glibc

/// Why no certificate was made: one line with the cause and the cure.
struct StartError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// With the words of `errno`, which is read first.
    static func system(_ what: String, cure: String? = nil) -> StartError {
        let words = unsafe String(cString: strerror(errno))
        return StartError(what + ": " + words + (cure.map { "; " + $0 } ?? ""))
    }
}

/// The user who gets the server's key.
struct Account {
    let name: String
    let uid: UInt32
    let gid: UInt32

    /// nil when there is no such user.
    init?(named name: String) {
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        guard unsafe wgm_find_user(name, &uid, &gid) == 0 else { return nil }
        self.name = name
        self.uid = uid
        self.gid = gid
    }

    static var isRoot: Bool { geteuid() == 0 }
}
