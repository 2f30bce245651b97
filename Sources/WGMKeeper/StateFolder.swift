// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why the state folder cannot be used; the description is for the person who starts the keeper.
package enum StateFolderError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(path: String, operation: String, errno: Int32)
    case usedByAnotherKeeper(path: String)

    package var description: String {
        switch self {
        case .file(let path, let operation, let errno):
            unsafe "\(operation) \(path): \(String(cString: strerror(errno))); the keeper's user must own the folder and be able to reach it"
        case .usedByAnotherKeeper(let path):
            "another keeper uses \(path): end it first, or give this one its own --state folder"
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
            return
        }
        guard let owner else { return }
        guard unsafe chown(path, owner.user, owner.group) == 0 else {
            throw .file(path: path, operation: "chown", errno: errno)
        }
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
