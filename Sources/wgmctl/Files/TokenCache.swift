// SPDX-License-Identifier: Apache-2.0

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

    private let file: PrivateCacheFile

    /// nil when there is no folder to keep it in.
    init?(socket: String, environment: (String) -> String? = { Environment[$0] }) {
        let name = "token-" + Base64.encode(socket.utf8, variant: .url)
        guard let file = PrivateCacheFile(name: name, environment: environment) else { return nil }
        self.file = file
    }

    /// The token, if there is one that is good for a while.
    func read(now: Timestamp) -> CachedToken? {
        guard let text = file.read(limit: Self.maxFileBytes) else { return nil }
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
        if text.utf8.count <= Self.maxFileBytes { file.write(text) }
    }

    func remove() { file.remove() }
}
