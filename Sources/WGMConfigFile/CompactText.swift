// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Text without white space, as wg(8) looks at it, with the column of each byte.
struct CompactText {
    private(set) var bytes: [UInt8] = []
    private(set) var columns: [Int] = []

    mutating func append(_ byte: UInt8, column: Int) {
        bytes.append(byte)
        columns.append(column)
    }

    var isEmpty: Bool { bytes.isEmpty }
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The column of the first byte; `fallback` when there is none.
    func column(else fallback: Int) -> Int { columns.first ?? fallback }

    subscript(range: Range<Int>) -> CompactText {
        var part = CompactText()
        part.bytes = Array(bytes[range])
        part.columns = Array(columns[range])
        return part
    }

    /// The parts between commas, the empty ones too; each with the column where it starts.
    func split(lineEnd: Int) -> [(part: CompactText, column: Int)] {
        var parts: [(CompactText, Int)] = []
        var start = 0
        for index in 0...bytes.count where index == bytes.count || bytes[index] == UInt8(ascii: ",") {
            parts.append((self[start..<index], start < columns.count ? columns[start] : lineEnd))
            start = index + 1
        }
        return parts
    }

    /// In ASCII's lower case.
    var lowercased: [UInt8] { bytes.map(\.lowercasedASCII) }
}

extension UInt8 {
    var lowercasedASCII: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }

    /// What wg(8) leaves out wherever it stands: space, tab, line ends, vertical tab and form feed.
    var isWhiteSpace: Bool { self == 0x20 || (0x09...0x0d).contains(self) }

    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}

/// One line of the file, borrowed piece by piece from its bytes.
struct Line {
    /// From 1.
    let number: Int
    /// Offsets of the whole line, without its line feed.
    let range: Range<Int>
    /// Where the comment's `#` is; the end of the line when there is none.
    let commentStart: Int
    let hasZeroByte: Bool

    init(number: Int, range: Range<Int>, in text: Span<UInt8>) {
        self.number = number
        self.range = range
        var comment = range.upperBound
        var hasZero = false
        for offset in range {
            let byte = text[offset]
            if byte == 0 { hasZero = true }
            if byte == UInt8(ascii: "#"), comment == range.upperBound { comment = offset }
        }
        commentStart = comment
        hasZeroByte = hasZero
    }

    /// The column of the byte at an offset, counted in characters.
    func column(of offset: Int, in text: Span<UInt8>) -> Int {
        var column = 1
        for index in range.lowerBound..<min(offset, range.upperBound) where text[index] & 0xc0 != 0x80 { column += 1 }
        return column
    }

    func place(of offset: Int, in text: Span<UInt8>) -> Place {
        Place(line: number, column: column(of: offset, in: text))
    }

    /// A part of the line without white space.
    func compact(_ part: Range<Int>, in text: Span<UInt8>) -> CompactText {
        var compact = CompactText()
        var column = column(of: part.lowerBound, in: text)
        for offset in part {
            let byte = text[offset]
            if !byte.isWhiteSpace { compact.append(byte, column: column) }
            if offset + 1 < part.upperBound, text[offset + 1] & 0xc0 != 0x80 { column += 1 }
        }
        return compact
    }

    /// A part of the line as text, without white space at its ends.
    func trimmed(_ part: Range<Int>, in text: Span<UInt8>) -> String {
        let part = trim(part, in: text)
        var bytes: [UInt8] = []
        for offset in part { bytes.append(text[offset]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    func trim(_ part: Range<Int>, in text: Span<UInt8>) -> Range<Int> {
        var (start, end) = (part.lowerBound, part.upperBound)
        while start < end, text[start].isWhiteSpace { start += 1 }
        while end > start, text[end - 1].isWhiteSpace { end -= 1 }
        return start..<end
    }
}
