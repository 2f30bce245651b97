// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMConfigFile
import WGMModel

/// A file of the corpus and what is to come of it.
struct CorpusFile: Sendable, CustomTestStringConvertible {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    /// In the order of their names.
    static let all: [CorpusFile] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".conf") }.sorted().map { CorpusFile(name: String($0.dropLast(5))) }
    }()

    let name: String
    var isAccepted: Bool { name.hasPrefix("accept-") }
    var testDescription: String { name }
    var path: String { Self.folder.appending(path: name + ".conf").path }

    func bytes() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    /// Warnings, names and mistakes, one a line.
    func expected() throws -> String {
        try String(contentsOf: Self.folder.appending(path: name + ".expected"), encoding: .utf8)
    }
}

/// What the parser says of some bytes.
enum Reading {
    case accepted(ConfigurationFile)
    case refused(ConfigurationMistakes)

    init(_ bytes: [UInt8]) {
        do throws(ConfigurationMistakes) {
            self = .accepted(try ConfigurationParser.parse(bytes.span))
        } catch {
            self = .refused(error)
        }
    }

    var isAccepted: Bool {
        if case .accepted = self { true } else { false }
    }

    /// As it stands in the `.expected` files.
    var report: String {
        let lines: [String]
        switch self {
        case .accepted(let file):
            var names = PeerNames()
            lines =
                file.warnings.map { "warning \($0.place): \($0.matter)" }
                + file.peers.compactMap { peer in
                    peer.publicKey.map { key in
                        let name = names.name(from: peer.name?.value, key: key.value)
                        return "peer \(name)" + (peer.name.map { " from \"\($0.value)\" at \($0.place)" } ?? "")
                    }
                }
        case .refused(let mistakes):
            lines = mistakes.findings.map { "error \($0.place): \($0.matter)" }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}

extension ConfigurationFile {
    /// The file's bytes, keys taken from the bytes that it was read from.
    func exported(from source: [UInt8]) -> [UInt8] {
        written().flatMap { piece in
            switch piece {
            case .text(let text): Array(text.utf8)
            case .secret(let place): Array(source[place.range])
            }
        }
    }

    /// Everything that the file says, without where it says it; keys as they stand in `source`.
    func meaning(_ source: [UInt8]) -> [String] {
        func text(_ secret: Located<SecretPlace>?) -> String {
            secret.map { String(decoding: source[$0.value.range].filter { $0 > 0x20 }, as: UTF8.self) } ?? "none"
        }
        let own: [String] = [
            "key \(text(interface.privateKey))", "port \(interface.listenPort?.value as UInt16?)",
            "mark \(interface.firewallMark?.value as UInt32?)", "addresses \(interface.addresses.map(\.value))",
            "resolvers \(interface.resolvers.map(\.value))", "search \(interface.searchDomains.map(\.value))",
            "mtu \(interface.mtu?.value as UInt32?)", "table \(interface.table?.value as RouteTable?)",
            "commands \(interface.commands.map(\.value))", "saves \(interface.savesConfiguration?.value as Bool?)",
        ]
        return own
            + peers.map { peer in
                """
                peer \(peer.name?.value ?? "-") \(peer.publicKey?.value.description ?? "-") \(text(peer.presharedKey)) \
                \(peer.allowedAddresses.map(\.value)) \(peer.endpoint?.value.description ?? "-") \
                \(peer.keepalive?.value as UInt16?)
                """
            }
    }
}
