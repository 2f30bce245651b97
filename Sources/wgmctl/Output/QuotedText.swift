// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text in double quotes with the escapes that JSON and YAML share; `escape` writes what is unprintable.
    func quoted(_ escape: (Unicode.Scalar) -> String) -> String {
        var output = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"", "\\": output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.isUnprintable: output += escape(scalar)
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }
}

extension FixedWidthInteger {
    /// In hexadecimal, with leading zeros.
    func hexadecimal(digits: Int) -> String {
        let text = String(self, radix: 16)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
    }
}
