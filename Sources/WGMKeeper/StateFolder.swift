// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why the state folder cannot be used; the description is for the person who starts the keeper.
package enum StateFolderError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(path: String, operation: String, errno: Int32)
    case usedByAnotherKeeper(path: String)
    /// Others than its owner can reach, change or replace what is in it; `cure` is the mode that it should have.
    case open(path: String, mode: UInt32, cure: String)

    package var description: String {
        switch self {
        case .file(let path, let operation, let errno):
            unsafe "\(operation) \(path): \(String(cString: strerror(errno))); the keeper's user must own the folder and be able to reach it"
        case .usedByAnotherKeeper(let path):
            "another keeper uses \(path): end it first, or give this one its own --state folder"
        case .open(let path, let mode, let cure):
            "\(path) is open to other users (mode 0\(String(mode, radix: 8))), who could take or replace keys: chmod \(cure) \(path)"
        }
    }
}

/// The folder with keys and journal, held by one keeper at a time.
package struct StateFolder: ~Copyable {
    package let path: String
    private let lock: Int32

    /// Makes the folder if it is missing; only root can give it to another user.
    package static func make(_ path: String, owner: (user: UInt32, group: UInt32)?) throws(StateFolderError) {
        if unsafe mkdir(path, 0o700) != 0 {
            guard errno == EEXIST else { throw .file(path: path, operation: "create", errno: errno) }
            try requireClosed(path, openBits: 0o077, cure: "0700")
            // Who may rename the folder can lay another in its place. A sticky one, such as /tmp, lets its owner alone do so.
            return try requireClosed(parent(of: path), openBits: 0o022, cure: "go-w")
        }
        guard let owner else { return }
        guard unsafe chown(path, owner.user, owner.group) == 0 else {
            throw .file(path: path, operation: "chown", errno: errno)
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func requireClosed(_ path: String, openBits: UInt32, cure: String) throws(StateFolderError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .file(path: path, operation: "look at", errno: errno) }
        let mode = UInt32(status.st_mode) & 0o7777
        let isOpen = mode & openBits != 0 && !(openBits == 0o022 && mode & UInt32(S_ISVTX) != 0)
        guard !isOpen else { throw .open(path: path, mode: mode, cure: cure) }
    }

    /// Fails while another keeper holds the folder.
    package init(locking path: String) throws(StateFolderError) {
        self.path = path
        let file = path + "/lock"
        lock = unsafe open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .file(path: file, operation: "open", errno: errno) }
        guard lockf(lock, F_TLOCK, 0) == 0 else {
            guard errno == EAGAIN || errno == EACCES else { throw .file(path: file, operation: "lock", errno: errno) }
            throw .usedByAnotherKeeper(path: path)
        }
    }

    deinit { _ = close(lock) }
}
