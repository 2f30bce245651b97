// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A small file in the folder where wgmctl keeps what it can do without, for nobody but the user.
struct PrivateCacheFile: Sendable {
    private let base: String
    private let folders: [String]
    private let name: String

    /// Below `$XDG_RUNTIME_DIR`, else `$XDG_CACHE_HOME`, else `~/.cache`; nil when there is none of them.
    init?(name: String, environment: (String) -> String?) {
        func folder(_ variable: String) -> String? { environment(variable).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        if let base = folder("XDG_RUNTIME_DIR") ?? folder("XDG_CACHE_HOME") {
            (self.base, folders) = (base, ["wgm"])
        } else if let home = folder("HOME") {
            (base, folders) = (home, [".cache", "wgm"])
        } else {
            return nil
        }
        self.name = name
    }

    /// The text, if the file is there, is the user's, and is not longer.
    func read(limit: Int) -> String? {
        guard let bytes = try? openFolder(creating: false).readFile(name, limit: limit) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Replaces the file at once or not at all; that it fails is no failure of the command.
    func write(_ text: String) {
        guard let folder = try? openFolder(creating: true) else { return }
        let temporary = "\(name).\(getpid())"
        do {
            let file = try folder.open(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.write(text)
            guard unsafe renameat(folder.number, temporary, folder.number, name) == 0 else { throw SystemError.current }
        } catch {
            unsafe unlinkat(folder.number, temporary, 0)
        }
    }

    func remove() {
        guard let folder = try? openFolder(creating: false) else { return }
        unsafe unlinkat(folder.number, name, 0)
    }

    /// Walks to the folder; each step must belong to this user, so that root leaves nothing in another's home.
    private func openFolder(creating: Bool) throws(SystemError) -> Descriptor {
        var folder = try Descriptor(path: base, flags: O_RDONLY | O_DIRECTORY)
        guard try folder.status().isOwnedByMe else { throw SystemError(code: EPERM) }
        for name in folders {
            if creating, unsafe mkdirat(folder.number, name, 0o700) != 0, errno != EEXIST { throw SystemError.current }
            folder = try folder.open(name, flags: O_RDONLY | O_DIRECTORY)
            guard try folder.status().isOwnedByMe else { throw SystemError(code: EPERM) }
        }
        guard try !folder.status().isOpenToOthers else { throw SystemError(code: EPERM) }
        return folder
    }
}

extension Descriptor {
    fileprivate borrowing func readFile(_ name: String, limit: Int) throws(SystemError) -> [UInt8]? {
        let file = try open(name, flags: O_RDONLY | O_NONBLOCK)
        let status = try file.status()
        guard status.isRegularFile, status.isOwnedByMe, !status.isOpenToOthers else { return nil }
        return try file.readAll(limit: limit)
    }
}
