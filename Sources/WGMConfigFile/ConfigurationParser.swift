// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Reads a file line by line, and finds every mistake, not only the first.
///
/// wg-quick(8) takes out the lines that are its own, by the name in front of `=`; the rest is read as `wg setconf` does it,
/// with all white space left out. Keys are never copied out of the text.
package struct ConfigurationParser {
    enum Section {
        case none, interface, peer
    }

    var file = ConfigurationFile()
    var mistakes = ConfigurationMistakes()
    /// As wg(8) sees it.
    var section = Section.none
    /// As wg-quick(8) sees it, which wants `[Interface]` without inner white space.
    var isQuickSection = false
    /// Where each setting of the interface, or of the present peer, was last set.
    var settings: [String: Place] = [:]
    private var comments = PeerComments()

    private init() {}

    package static func parse(_ text: Span<UInt8>) throws(ConfigurationMistakes) -> ConfigurationFile {
        var parser = ConfigurationParser()
        var start = parser.skipByteOrderMark(text)
        var number = 1
        for offset in start...text.count where offset == text.count || text[offset] == UInt8(ascii: "\n") {
            guard offset >= start else { continue }
            if offset < text.count || offset > start {
                parser.read(Line(number: number, range: start..<offset, in: text), text)
            }
            start = offset + 1
            number += 1
        }
        parser.endPeer()
        guard parser.mistakes.findings.isEmpty else {
            parser.mistakes.sort()
            throw parser.mistakes
        }
        return parser.file
    }

    private mutating func skipByteOrderMark(_ text: Span<UInt8>) -> Int {
        guard text.count >= 3, text[0] == 0xef, text[1] == 0xbb, text[2] == 0xbf else { return 0 }
        warn(Place(line: 1, column: 1), .byteOrderMark)
        return 3
    }

    mutating func refuse(_ place: Place, _ matter: Finding.Matter) { mistakes.add(Finding(place, matter)) }

    mutating func warn(_ place: Place, _ matter: Finding.Matter) { file.warnings.append(Finding(place, matter)) }

    // MARK: Lines

    private mutating func read(_ line: Line, _ text: Span<UInt8>) {
        guard !line.hasZeroByte else { return refuse(Place(line: line.number, column: 1), .zeroByte) }
        let content = line.trim(line.range.lowerBound..<line.commentStart, in: text)
        guard !content.isEmpty else { return readComment(line, text) }
        if text[content.lowerBound] == UInt8(ascii: "[") {
            readSection(line, content, text)
        } else {
            readSetting(line, content, text)
        }
    }

    private mutating func readComment(_ line: Line, _ text: Span<UInt8>) {
        guard line.commentStart < line.range.upperBound else { return comments.passBlankLine() }
        comments.add(comment(line, text))
    }

    private func comment(_ line: Line, _ text: Span<UInt8>) -> Located<String>? {
        PeerComments.text(of: line, in: text).map { Located($0, line.place(of: line.commentStart, in: text)) }
    }

    private mutating func readSection(_ line: Line, _ content: Range<Int>, _ text: Span<UInt8>) {
        let place = line.place(of: content.lowerBound, in: text)
        isQuickSection = false
        switch line.compact(content, in: text).lowercased {
        case Array("[interface]".utf8):
            endPeer()
            section = .interface
            isQuickSection = line.trimmed(content, in: text).utf8.count == "[Interface]".utf8.count
            settings = [:]
        case Array("[peer]".utf8):
            endPeer()
            section = .peer
            settings = [:]
            file.peers.append(PeerSection(place: place))
            comments.begin(header: comment(line, text))
        default:
            refuse(place, .unknownSection)
        }
    }

    /// What can be said only when the whole section was read.
    private mutating func endPeer() {
        guard section == .peer, let last = file.peers.indices.last else { return }
        if file.peers[last].publicKey == nil, settings["publickey"] == nil {
            refuse(file.peers[last].place, .noPublicKey)
        }
        file.peers[last].name = comments.end()
    }

    // MARK: Settings

    private mutating func readSetting(_ line: Line, _ content: Range<Int>, _ text: Span<UInt8>) {
        comments.passSetting()
        let equals = content.first { text[$0] == UInt8(ascii: "=") }
        let nameRange = line.trim(content.lowerBound..<(equals ?? content.upperBound), in: text)
        let place = line.place(of: content.lowerBound, in: text)
        let value = line.trim(
            min(content.upperBound, (equals ?? content.upperBound) + 1)..<content.upperBound,
            in: text
        )
        let setting = Setting(line: line, place: place, value: value, hasEquals: equals != nil)
        let exact = line.trimmed(nameRange, in: text)
        if isQuickSection, let quick = QuickName(exact) { return readQuick(quick, setting, text) }
        let name = line.compact(nameRange, in: text)
        switch section {
        case .none: refuse(place, .noSection)
        case .interface: readInterface(name, setting, text)
        case .peer: readPeer(name, setting, text)
        }
        guard section == .peer, name.lowercased == Array("publickey".utf8) else { return }
        if line.commentStart < line.range.upperBound { comments.addBeside(comment(line, text)) }
    }

    /// False for a setting that has no value; it is told then.
    mutating func begin(_ name: String, _ setting: Setting, mayBeEmpty: Bool = false) -> Bool {
        guard setting.hasEquals, mayBeEmpty || !setting.value.isEmpty else {
            settings[name.lowercased()] = setting.place
            refuse(setting.place, .noValue(name))
            return false
        }
        return true
    }

    /// For a setting of which the last counts.
    mutating func beginOnce(_ name: String, _ setting: Setting) -> Bool {
        let first = settings.updateValue(setting.place, forKey: name.lowercased())
        if let first { warn(setting.place, .repeated(name, first: first)) }
        return begin(name, setting)
    }

    mutating func refuseUnknown(_ name: CompactText, _ setting: Setting, section: String) {
        // What is no plain word, or has no `=` behind it, may be a key.
        guard setting.hasEquals, name.bytes.count <= 24, name.bytes.allSatisfy(\.isLetter) else {
            return refuse(setting.place, .noSetting)
        }
        refuse(setting.place, .unknownSetting(name.text, section: section))
    }
}

/// A line `name = value` on its way to the value's reader.
struct Setting {
    let line: Line
    /// Of the name.
    let place: Place
    /// Without white space at its ends.
    let value: Range<Int>
    let hasEquals: Bool

    func valuePlace(in text: Span<UInt8>) -> Place {
        value.isEmpty ? place : line.place(of: value.lowerBound, in: text)
    }

    func compact(in text: Span<UInt8>) -> CompactText { line.compact(value, in: text) }

    /// With the comment, if there is one: wg-quick's commands may hold a `#`.
    func wholeText(in text: Span<UInt8>) -> String {
        line.trimmed(value.lowerBound..<max(value.lowerBound, line.range.upperBound), in: text)
    }
}
