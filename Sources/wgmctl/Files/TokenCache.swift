// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMModel

/// A token with the time until which the daemon accepts it.
struct CachedToken: Hashable, Sendable {
    var token: String
    var expires: Timestamp
}

/// The tokens that wgmctl got by logging in, one file per socket, for nobody but the user.
///
/// Whatever is not exactly as expected (owner, mode, a symbolic link) counts as "no token": logging in again is cheap.
struct TokenCache: Sendable {
    /// The longest token that the protocol allows, with its expiry before it.
    static let maxFileBytes = 8192 + 32
    /// A token that ends sooner is not worth sending.
    static let minimumLifetime: Int64 = 30_000

    private let base: String
    private let folders: [String]
    private let name: String

    /// Below `$XDG_RUNTIME_DIR`, else `$XDG_CACHE_HOME`, else `~/.cache`; nil when there is none of them.
    init?(socket: String, environment: (String) -> String? = { Environment[$0] }) {
        func folder(_ variable: String) -> String? { environment(variable).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        if let base = folder("XDG_RUNTIME_DIR") ?? folder("XDG_CACHE_HOME") {
            (self.base, folders) = (base, ["wgm"])
        } else if let home = folder("HOME") {
            (base, folders) = (home, [".cache", "wgm"])
        } else {
            return nil
        }
        name = "token-" + Base64.encode(socket.utf8, variant: .url)
    }

    /// The token, if there is one that is good for a while.
    func read(now: Timestamp) -> CachedToken? {
        guard let bytes = try? openFolder(creating: false).readFile(name),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 3, let expiry = Int64(lines[0]), !lines[1].isEmpty, lines[2].isEmpty else { return nil }
        let expires = Timestamp(milliseconds: expiry)
        guard expires.milliseconds - now.milliseconds > Self.minimumLifetime else { return nil }
        return CachedToken(token: String(lines[1]), expires: expires)
    }

    /// Replaces the token at once or not at all.
    ///
    /// That it fails is no failure of the command.
    func write(_ cached: CachedToken) {
        let text = "\(cached.expires.milliseconds)\n\(cached.token)\n"
        guard text.utf8.count <= Self.maxFileBytes, let folder = try? openFolder(creating: true) else { return }
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
    fileprivate borrowing func readFile(_ name: String) throws(SystemError) -> [UInt8]? {
        let file = try open(name, flags: O_RDONLY | O_NONBLOCK)
        let status = try file.status()
        guard status.isRegularFile, status.isOwnedByMe, !status.isOpenToOthers else { return nil }
        return try file.readAll(limit: TokenCache.maxFileBytes)
    }
}
