// SPDX-License-Identifier: Apache-2.0

/// Where a daemon listens.
enum ServerAddress: Hashable, Sendable, CustomStringConvertible {
    static let defaultPort: UInt16 = 51821
    static let rule = "tls://HOST, tls://HOST:PORT, tls://[2001:db8::1]:PORT or unix:///PATH"

    case unix(path: String)
    case tls(host: String, port: UInt16)

    /// Reads `tls://host:port` or `unix:///path`.
    init?(_ text: String) {
        if text.hasPrefix("unix:///") {
            self = .unix(path: String(text.dropFirst("unix://".count)))
            return
        }
        guard text.hasPrefix("tls://"), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        let rest = text.dropFirst("tls://".count)
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            let host = rest[rest.index(after: rest.startIndex)..<end]
            let tail = rest[rest.index(after: end)...]
            guard host.contains(":"), tail.isEmpty || tail.hasPrefix(":") else { return nil }
            self.init(host: host, port: tail.isEmpty ? nil : tail.dropFirst())
        } else {
            let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            self.init(host: parts[0], port: parts.count == 2 ? parts[1] : nil)
        }
    }

    private init?(host: Substring, port: Substring?) {
        guard (1...253).contains(host.utf8.count), !host.contains("/"), !host.contains("@") else { return nil }
        guard let port else {
            self = .tls(host: String(host), port: Self.defaultPort)
            return
        }
        guard let number = UInt16(port), number > 0 else { return nil }
        self = .tls(host: String(host), port: number)
    }

    var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tls(let host, let port): host.contains(":") ? "tls://[\(host)]:\(port)" : "tls://\(host):\(port)"
        }
    }

    var isRemote: Bool { if case .tls = self { true } else { false } }
}
