// SPDX-License-Identifier: Apache-2.0

extension Unicode.Scalar {
    /// True for what could move the cursor, hide or reorder text on a terminal.
    ///
    /// The zero-width joiner, which emoji need, is let through.
    var isUnprintable: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        case .format: value != 0x200d
        default: false
        }
    }

    fileprivate var isWide: Bool {
        if properties.isEmojiPresentation { return true }
        return switch value {
        // Hangul Jamo, CJK and Kana, Hangul syllables, compatibility forms, full-width forms, CJK extensions.
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
            0xff00...0xff60, 0xffe0...0xffe6, 0x20000...0x3fffd:
            true
        default: false
        }
    }
}

extension String {
    /// The same text with everything unprintable written as an escape, so that names and comments cannot act.
    var printable: String {
        guard unicodeScalars.contains(where: \.isUnprintable) else { return self }
        var output = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.isUnprintable: output += "\\u{\(String(scalar.value, radix: 16))}"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    /// The number of terminal columns that the text takes.
    var displayWidth: Int {
        utf8.count == unicodeScalars.count ? utf8.count : reduce(0) { $0 + $1.displayWidth }
    }
}

extension Character {
    fileprivate var displayWidth: Int {
        if unicodeScalars.contains(where: \.isWide) { return 2 }
        return switch unicodeScalars.first?.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: 0
        default: 1
        }
    }
}
