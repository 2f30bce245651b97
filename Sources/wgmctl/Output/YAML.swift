// SPDX-License-Identifier: Apache-2.0

extension Document {
    /// YAML 1.2 in block style, keys sorted; every text that could be taken for something else is quoted.
    ///
    /// Written here because a YAML library would bring all of Foundation along: 40 MB for one loop.
    var yaml: String {
        var output = ""
        switch self {
        case .list(let elements) where !elements.isEmpty: Self.writeList(elements, to: &output, indent: "")
        case .object(let members) where !members.isEmpty: Self.writeMembers(members, to: &output, indent: "")
        case .absent, .flag, .number, .text, .list, .object: output += inlineYAML + "\n"
        }
        return output
    }

    private static func writeList(_ elements: [Document], to output: inout String, indent: String) {
        for element in elements {
            output += indent + "- "
            switch element {
            case .object(let members) where !members.isEmpty:
                writeMembers(members, to: &output, indent: indent + "  ", startsLine: false)
            case .list(let nested) where !nested.isEmpty:
                output += "\n"
                writeList(nested, to: &output, indent: indent + "  ")
            case .absent, .flag, .number, .text, .list, .object: output += element.inlineYAML + "\n"
            }
        }
    }

    private static func writeMembers(
        _ members: [String: Document],
        to output: inout String,
        indent: String,
        startsLine: Bool = true
    ) {
        for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 || startsLine { output += indent }
            output += scalar(member.key) + ":"
            switch member.value {
            case .object(let nested) where !nested.isEmpty:
                output += "\n"
                writeMembers(nested, to: &output, indent: indent + "  ")
            case .list(let nested) where !nested.isEmpty:
                output += "\n"
                writeList(nested, to: &output, indent: indent)
            case .absent, .flag, .number, .text, .list, .object: output += " " + member.value.inlineYAML + "\n"
            }
        }
    }

    private var inlineYAML: String {
        switch self {
        case .absent: "null"
        case .flag(let value): value ? "true" : "false"
        case .number(let value): String(value)
        case .text(let value): Self.scalar(value)
        case .list: "[]"
        case .object: "{}"
        }
    }

    /// Words that some version of YAML takes for something else than text.
    private static let reserved: Set = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"]

    /// A text as YAML reads it back: quoted unless it can be nothing else.
    static func scalar(_ text: String) -> String {
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "/", "@", "+", "-": true
            default: false
            }
        }
        let startsPlain = text.unicodeScalars.first.map { isPlain($0) && $0.properties.isAlphabetic } ?? false
        let isPlainWord = startsPlain && text.unicodeScalars.allSatisfy(isPlain)
        guard !isPlainWord || reserved.contains(text.lowercased()) else { return text }
        return text.quoted { "\\U" + $0.value.hexadecimal(digits: 8) }
    }
}
