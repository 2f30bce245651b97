// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Which of several servers answered the last time, in a file beside the tokens.
struct ServerMemory: Sendable {
    private let file: PrivateCacheFile

    /// `servers` is a word for all of them; nil when there is no folder to keep it in.
    init?(servers: String, environment: (String) -> String? = { Environment[$0] }) {
        // A file's name has room for 255 bytes, a list of servers may be longer.
        let name = "server-" + Base64.encode(servers.utf8, variant: .url).suffix(200)
        guard let file = PrivateCacheFile(name: name, environment: environment) else { return nil }
        self.file = file
    }

    func read() -> ServerAddress? { file.read(limit: 512).flatMap { ServerAddress($0.trimmed) } }

    /// That it fails is no failure of the command.
    func write(_ server: ServerAddress) { file.write("\(server)\n") }
}
