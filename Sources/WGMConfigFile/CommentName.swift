// SPDX-License-Identifier: Apache-2.0

/// What a comment, without its `#`, calls a peer.
struct CommentName {
    /// Bytes.
    static let longest = 256
    let text: String
    /// True when the comment says by a word of its own that this is the name.
    let isSaid: Bool

    /// Settings that somebody took out of use; they name nobody.
    private static let settings: Set<String> = [
        "privatekey", "listenport", "fwmark", "publickey", "presharedkey", "allowedips", "endpoint",
        "persistentkeepalive", "address", "mtu", "dns", "table", "preup", "postup", "predown", "postdown", "saveconfig",
    ]
    /// Followed by `=` or `:`.
    private static let labels: Set<String> = [
        "name", "friendly_name", "display name", "client", "peer", "user", "device", "+name",
    ]
    /// Followed by white space.
    private static let words: Set<String> = ["client", "begin_peer", "begin"]
    /// Other things that tools write beside the name.
    private static let others: Set<String> = [
        "id", "email", "e-mail", "telegram", "created", "createdat", "created at", "updated", "updateat", "update at",
        "end", "end_peer", "friendly_json",
    ]

    /// What wg-portal puts in front of its own comments; of them only one is the name.
    private static let portal = "-WGP-"

    /// nil for a comment that is no name.
    init?(_ comment: String) {
        let isPortal = comment.hasPrefix(Self.portal)
        let text = isPortal ? Self.trim(comment.dropFirst(Self.portal.count)) : comment[...]
        guard text.utf8.contains(where: { $0.isLetter || $0.isDigit || $0 >= 0x80 }), text.first != "[" else {
            return nil
        }
        if let separator = text.firstIndex(where: { $0 == "=" || $0 == ":" }) {
            let label = Self.trim(text[..<separator])
            let lower = label.lowercased()
            guard !Self.settings.contains(lower.filter { $0 != " " }), !Self.others.contains(lower) else { return nil }
            if Self.labels.contains(lower), !isPortal || lower == "display name" {
                self.init(said: text[text.index(after: separator)...])
                return
            }
        }
        guard !isPortal else { return nil }
        let first = text.prefix { $0 != " " && $0 != "\t" }
        guard !["end", "end_peer"].contains(first.lowercased()) else { return nil }
        if Self.words.contains(first.lowercased()), first.count < text.count {
            self.init(said: text.dropFirst(first.count))
            return
        }
        self.init(trimming: text, isSaid: false)
    }

    private init?(trimming text: Substring, isSaid: Bool) {
        var name = Self.trim(text)
        while true {
            let shorter = Self.withoutIdentifier(name)
            if shorter.count == name.count { break }
            name = shorter
        }
        guard !name.isEmpty, name.utf8.count <= Self.longest else { return nil }
        self.text = String(name)
        self.isSaid = isSaid
    }

    private init?(said text: Substring) {
        self.init(trimming: text, isSaid: true)
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return text
    }

    /// Without the number in brackets that wg-easy adds.
    private static func withoutIdentifier(_ text: Substring) -> Substring {
        guard text.last == ")", let open = text.lastIndex(of: "(") else { return text }
        let inner = text[text.index(after: open)...].dropLast()
        let isIdentifier = inner.utf8.count == 36 && inner.utf8.filter { $0 == UInt8(ascii: "-") }.count == 4
        return isIdentifier ? trim(text[..<open]) : text
    }
}
