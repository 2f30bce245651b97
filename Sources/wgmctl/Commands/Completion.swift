// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// Names that the shell offers; nothing when the daemon does not answer at once.
enum Completion {
    static let interfaces: CompletionKind = .custom { words, _, _ in
        names(words) { session in
            try session.interfacesList(V1.ListInterfacesRequest()).interfaces.compactMap(\.name)
        }
    }

    static let peers: CompletionKind = .custom { words, index, _ in
        // The word before the peer is its interface, unless an option stands between them.
        let interface = words.indices.contains(index - 1) ? words[index - 1] : ""
        return names(words) { session in
            try session.allPeers(of: interface.hasPrefix("-") ? nil : interface).peers.compactMap(\.name)
        }
    }

    private static func names(_ words: [String], _ list: (inout Session) throws -> [String]) -> [String] {
        do {
            var options = try GlobalOptions.parse([])
            options.timeout = TimeSpan(seconds: 1)
            if let option = words.firstIndex(of: "--socket"), words.indices.contains(option + 1) {
                options.socket = words[option + 1]
            }
            var session = try Session.authenticated(options)
            return try list(&session).filter { $0 == $0.printable }
        } catch {
            return []
        }
    }
}
