// SPDX-License-Identifier: Apache-2.0

import Foundation
import Yams

@testable import wgmctl

/// Documents that a careless writer gets wrong, and readers of others as witnesses.
enum Documents {
    static let texts = [
        "", "plain", "two words", "yes", "NO", "null", "~", "true", "0123", "12:30", "1e3", "0x1f", "1_000", ".5", "-",
        "- a",
        "a: b", "a #b", "#", "'", "\"", "\\", "\\n", "\n", "a\nb\n", "\t", " x ", "{}", "[a]", "&a", "*a", "!a", "|",
        ">", "%",
        "@a", "`a", "=", "<<", "a,b", "?", "? a", "---", "...", "fd00::1", "10.0.0.1/24", "ümläut", "日本", "👩‍💻",
        "\u{1b}[31m", "\u{85}", "\u{2028}", "\u{202e}", "\u{e000}", "\u{10fffd}", "\u{7f}", "2001-01-01",
        ".inf", "NaN",
    ]

    static let all: [Document] =
        texts.map { .text($0) } + [
            .absent, .flag(true), .number(0), .number(.min), .number(.max), .list([]), .object([:]),
            .list([.list([.number(1), .list([])]), .object([:]), .object(["a": .list([.list([.text("x")])])])]),
            .object(["b": .object(["c": .absent, "yes": .flag(false)]), "a b": .list([.object(["x": .list([])])])]),
            .list([.object(["a": .object(["b": .object(["c": .number(1)])]), "z": .text("")])]),
            .object(Dictionary(uniqueKeysWithValues: texts.map { ($0, .text($0)) })),
        ]

    /// What Foundation's reader finds.
    static func of(json: String) throws -> Document {
        try JSONDecoder().decode(Read.self, from: Data(json.utf8)).document
    }

    private struct Read: Decodable {
        let document: Document

        init(from decoder: any Decoder) throws {
            if let members = try? [String: Read](from: decoder) {
                document = .object(members.mapValues(\.document))
            } else if let elements = try? [Read](from: decoder) {
                document = .list(elements.map(\.document))
            } else {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    document = .absent
                } else if let flag = try? container.decode(Bool.self) {
                    document = .flag(flag)
                } else if let number = try? container.decode(Int64.self) {
                    document = .number(number)
                } else {
                    document = .text(try container.decode(String.self))
                }
            }
        }
    }

    /// What Yams' reader finds.
    static func of(_ node: Node) -> Document? {
        switch node {
        case .sequence(let sequence):
            return .list(sequence.map { of($0) ?? .absent })
        case .mapping(let mapping):
            let members = mapping.map { ($0.key.scalar?.string ?? "?", of($0.value) ?? .absent) }
            return .object(Dictionary(members) { $1 })
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return .text(scalar.string) }
            if node.null != nil { return .absent }
            if let flag = node.bool { return .flag(flag) }
            if let number = node.int { return .number(Int64(number)) }
            return .text(scalar.string)
        case .alias:
            return nil
        }
    }
}
