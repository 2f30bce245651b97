// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// Why wgmd could not start: one line with the cause and the cure.
struct StartError: Error, CustomStringConvertible {
    let description: String
    let code: Int32

    init(_ description: String, code: Int32 = 1) {
        self.description = description
        self.code = code
    }

    /// With the words of `errno`, which is read first.
    static func system(_ what: String, cure: String? = nil) -> StartError {
        let words = unsafe String(cString: strerror(errno))
        return StartError(what + ": " + words + (cure.map { "; " + $0 } ?? ""))
    }
}

/// A Unix user that a part of wgm runs as.
struct Account {
    let name: String
    let uid: UInt32
    let gid: UInt32

    init(named name: String) throws(StartError) {
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        guard unsafe wgm_find_user(name, &uid, &gid) == 0 else {
            throw StartError(
                "there is no user \(name); make it: useradd --system --no-create-home --shell /usr/sbin/nologin \(name)"
            )
        }
        self.name = name
        self.uid = uid
        self.gid = gid
    }

    static var isRoot: Bool { geteuid() == 0 }
}

/// The id of a group, or an error that says how to make it.
func groupID(named name: String) throws(StartError) -> UInt32 {
    guard let entry = unsafe getgrnam(name) else {
        throw StartError("there is no group \(name); make it: groupadd --system \(name)")
    }
    return unsafe entry.pointee.gr_gid
}

extension Account {
    /// The name of the user that this process runs as.
    static func ownName() throws(StartError) -> String {
        guard let entry = unsafe getpwuid(geteuid()) else {
            throw StartError("this user id has no name: see /etc/passwd")
        }
        return unsafe String(cString: entry.pointee.pw_name)
    }
}
