// SPDX-License-Identifier: Apache-2.0

extension Document {
    /// RFC 8259, two spaces per level, keys sorted; control characters and those that reorder text are escaped.
    var json: String {
        var output = ""
        writeJSON(to: &output, indent: "")
        return output
    }

    /// The same on one line, without a line end: for streams of values.
    var jsonLine: String {
        switch self {
        case .absent, .flag, .number, .text: json
        case .list(let elements): "[" + elements.map(\.jsonLine).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { Self.quoted($0.key) + ":" + $0.value.jsonLine }
                .joined(separator: ",") + "}"
        }
    }

    private func writeJSON(to output: inout String, indent: String) {
        switch self {
        case .absent: output += "null"
        case .flag(let value): output += value ? "true" : "false"
        case .number(let value): output += String(value)
        case .text(let value): output += Self.quoted(value)
        case .list(let elements):
            Self.writeLines(elements, between: ("[", "]"), to: &output, indent: indent) { element, output, indent in
                element.writeJSON(to: &output, indent: indent)
            }
        case .object(let members):
            let sorted = members.sorted { $0.key < $1.key }
            Self.writeLines(sorted, between: ("{", "}"), to: &output, indent: indent) { member, output, indent in
                output += Self.quoted(member.key) + ": "
                member.value.writeJSON(to: &output, indent: indent)
            }
        }
    }

    private static func writeLines<Element>(
        _ elements: [Element],
        between brackets: (String, String),
        to output: inout String,
        indent: String,
        _ write: (Element, inout String, String) -> Void
    ) {
        output += brackets.0
        for (index, element) in elements.enumerated() {
            output += index == 0 ? "\n" : ",\n"
            output += indent + "  "
            write(element, &output, indent + "  ")
        }
        if !elements.isEmpty { output += "\n" + indent }
        output += brackets.1
    }

    /// What is outside the basic plane takes two escapes, as in UTF-16.
    private static func quoted(_ value: String) -> String {
        value.quoted { String($0).utf16.map { "\\u" + $0.hexadecimal(digits: 4) }.joined() }
    }
}
