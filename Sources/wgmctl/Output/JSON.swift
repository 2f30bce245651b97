// SPDX-License-Identifier: Apache-2.0

extension Document {
    /// RFC 8259, two spaces per level, keys sorted; control characters and those that reorder text are escaped.
    var json: String {
        var output = ""
        writeJSON(to: &output, indent: "")
        return output
    }

    private func writeJSON(to output: inout String, indent: String) {
        switch self {
        case .absent: output += "null"
        case .flag(let value): output += value ? "true" : "false"
        case .number(let value): output += String(value)
        case .text(let value): Self.writeString(value, to: &output)
        case .list(let elements):
            Self.writeLines(elements, between: ("[", "]"), to: &output, indent: indent) { element, output, indent in
                element.writeJSON(to: &output, indent: indent)
            }
        case .object(let members):
            let sorted = members.sorted { $0.key < $1.key }
            Self.writeLines(sorted, between: ("{", "}"), to: &output, indent: indent) { member, output, indent in
                Self.writeString(member.key, to: &output)
                output += ": "
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

    private static func writeString(_ value: String, to output: inout String) {
        output += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.isUnprintable: writeEscaped(scalar, to: &output)
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }

    private static func writeEscaped(_ scalar: Unicode.Scalar, to output: inout String) {
        for unit in String(scalar).utf16 {
            let hex = String(unit, radix: 16)
            output += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        }
    }
}
