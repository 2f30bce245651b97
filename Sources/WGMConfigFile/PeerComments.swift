// SPDX-License-Identifier: Apache-2.0

/// Finds out what the comments around a `[Peer]` section call the peer.
///
/// Tools that write such files say it in many ways: `# Name = x` and `# Name: x` (wg-portal, wireguard-ui), `# Client: x (id)`
/// (wg-easy), `### Client x` (wireguard-install), `# BEGIN_PEER x` (another wireguard-install), `### begin x ###` (PiVPN),
/// `# friendly_name = x` (exporters). People write `# x` above the section, behind `[Peer]`, below it or behind the key.
struct PeerComments {
    private enum Rank: Int {
        case said, behindHeader, above, inside, behindKey
    }

    private struct Candidate {
        var rank: Rank
        var name: Located<String>
    }

    /// Comments that may belong to what comes next.
    private var pending: [Located<String>] = []
    private var best: Candidate?
    private var isInPeer = false

    mutating func add(_ comment: Located<String>?) {
        if let comment { pending.append(comment) }
    }

    mutating func passBlankLine() {
        if isInPeer { takeInside() }
        pending = []
    }

    mutating func passSetting() {
        if isInPeer { takeInside() }
        pending = []
    }

    private mutating func takeInside() {
        for comment in pending { offer(comment, .inside) }
        pending = []
    }

    /// A `[Peer]`; the comments right above it are its own.
    mutating func begin(header: Located<String>?) {
        isInPeer = true
        best = nil
        // The nearest line says most.
        for comment in pending.reversed() { offer(comment, .above) }
        pending = []
        if let header { offer(header, .behindHeader) }
    }

    mutating func addBeside(_ comment: Located<String>?) {
        if let comment { offer(comment, .behindKey) }
    }

    /// What the peer that has ended is called; comments that were last read belong to the next.
    mutating func end() -> Located<String>? {
        isInPeer = false
        return best?.name
    }

    /// Of equals the first stays.
    private mutating func offer(_ comment: Located<String>, _ rank: Rank) {
        guard let name = CommentName(comment.value) else { return }
        let rank = name.isSaid ? Rank.said : rank
        guard best.map({ rank.rawValue < $0.rank.rawValue }) ?? true else { return }
        best = Candidate(rank: rank, name: Located(name.text, comment.place))
    }

    // MARK: Text

    /// A name, and the word that says so.
    private static let longest = CommentName.longest + 16

    /// The comment of a line without `#` and white space around it; nil for one that says nothing, or may hold a key.
    static func text(of line: Line, in text: Span<UInt8>) -> String? {
        var range = line.trim(line.commentStart..<line.range.upperBound, in: text)
        let mark = UInt8(ascii: "#")
        while let first = range.first, text[first] == mark || text[first].isWhiteSpace { range = range.dropFirst() }
        while let last = range.last, text[last] == mark || text[last].isWhiteSpace { range = range.dropLast() }
        guard !range.isEmpty, range.count <= longest, !mayHoldKey(range, in: text) else { return nil }
        return line.trimmed(range, in: text)
    }

    /// A setting that was made a comment, or any word as long as a key: it is not even looked at.
    private static func mayHoldKey(_ range: Range<Int>, in text: Span<UInt8>) -> Bool {
        var run = 0
        for offset in range {
            let byte = text[offset]
            let isDigit = byte.isLetter || byte.isDigit || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
            run = isDigit ? run + 1 : 0
            if run >= 40 { return true }
        }
        return false
    }
}
