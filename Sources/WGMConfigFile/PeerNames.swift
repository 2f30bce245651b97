// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Makes what comments say into names that are valid and differ from each other.
package struct PeerNames {
    private var taken: Set<ObjectName> = []
    /// The last number that was put behind a name, so that many equal ones do not take long.
    private var numbers: [ObjectName: Int] = [:]

    package init() {}

    /// A name from the comment, or from the start of the key when there is none or nothing of it can be used.
    package mutating func name(from comment: String?, key: PublicKey) -> ObjectName {
        let base = comment.flatMap(Self.valid) ?? Self.fromKey(key)
        if taken.insert(base).inserted { return base }
        var number = numbers[base] ?? 1
        while true {
            number += 1
            let ending = "-\(number)"
            let start = String(decoding: base.value.utf8.prefix(63 - ending.utf8.count), as: UTF8.self)
            guard let name = ObjectName(start + ending), taken.insert(name).inserted else { continue }
            numbers[base] = number
            return name
        }
    }

    private static func fromKey(_ key: PublicKey) -> ObjectName {
        let start = key.description.prefix(8).map { $0 == "/" ? "_" : $0 }
        return ObjectName("key-" + String(start)) ?? unnamed
    }

    private static var unnamed: ObjectName {
        guard let name = ObjectName("peer") else { preconditionFailure("a constant name is valid") }
        return name
    }

    /// The comment with other characters written in ASCII where that is usual, and as hyphens else.
    static func valid(_ comment: String) -> ObjectName? {
        var bytes: [UInt8] = []
        for scalar in comment.unicodeScalars {
            let letters = spellings[scalar] ?? (scalar.isASCII && isAllowed(scalar) ? String(scalar) : "-")
            for byte in letters.utf8 where byte != hyphen || bytes.last != hyphen { bytes.append(byte) }
        }
        let start = bytes.drop { !$0.isLetter && !$0.isDigit }
        var name = start.prefix(63)
        while name.last == hyphen { name = name.dropLast() }
        return ObjectName(String(decoding: name, as: UTF8.self))
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        let byte = UInt8(truncatingIfNeeded: scalar.value)
        return byte.isLetter || byte.isDigit || Array("._@+-".utf8).contains(byte)
    }

    private static let spellings: [Unicode.Scalar: String] = [
        "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "é": "e", "è": "e", "ê": "e",
        "ë": "e", "à": "a", "á": "a", "â": "a", "ã": "a", "å": "a", "æ": "ae", "ç": "c", "ì": "i", "í": "i", "î": "i",
        "ï": "i", "ñ": "n", "ò": "o", "ó": "o", "ô": "o", "õ": "o", "ø": "o", "œ": "oe", "ù": "u", "ú": "u", "û": "u",
        "ý": "y", "É": "E", "È": "E", "À": "A", "Å": "A", "Æ": "Ae", "Ç": "C", "Ñ": "N", "Ø": "O", "š": "s", "ž": "z",
        "č": "c", "ć": "c", "đ": "d", "ł": "l", "ń": "n", "ś": "s", "ż": "z", "ź": "z", "ą": "a", "ę": "e",
        "\u{2019}": "", "'": "",
    ]
}
