// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// What `wgmctl top` shows, as lines without any control code.
struct TopScreen {
    /// Columns; nil for as many as it takes.
    var width: Int?
    /// Lines; nil for as many as it takes.
    var height: Int?
    var hasUnicode = true
    /// Peers that are scrolled past.
    var offset = 0
    /// Instead of the keys.
    var prompt: String?
    /// Why the figures may be old.
    var trouble: String?

    private struct Cell {
        let text: String
        var isRight = false
    }

    private static let titles = [
        Cell(text: "PEER"), Cell(text: "STATE"), Cell(text: "RECEIVING", isRight: true),
        Cell(text: "SENDING", isRight: true), Cell(text: "RATE"), Cell(text: "RECEIVED", isRight: true),
        Cell(text: "SENT", isRight: true), Cell(text: "HANDSHAKE", isRight: true), Cell(text: "SEEN AT"),
    ]
    static let keys = "q quit  sort: r rate t total h handshake s state n name  R reverse  / filter  j k scroll"

    /// Lines that are not peers.
    static let frameLines = 4

    func lines(_ model: TopModel, now: Timestamp) -> [String] {
        let rows = model.shown
        let first = min(max(0, offset), max(0, rows.count - 1))
        let room = height.map { max(0, $0 - Self.frameLines) } ?? rows.count
        let cells = rows.dropFirst(first).prefix(room).map { self.cells($0, now: now) }
        var lines = [summary(model, shown: rows.count), trouble.map { "! " + $0.printable } ?? ""]
        lines += table([Self.titles] + cells)
        if let height {
            lines += Array(repeating: "", count: max(0, height - 1 - lines.count))
            lines.append(prompt.map { "/" + $0.printable } ?? Self.keys)
            lines = Array(lines.prefix(height))
        } else {
            lines.removeAll { $0.isEmpty }
        }
        return lines.map(fitted)
    }

    private func summary(_ model: TopModel, shown: Int) -> String {
        let filter = model.filter.isEmpty ? "" : ", \(shown) with \"\(model.filter.printable)\""
        let order = "by \(model.sortKey.rawValue)\(model.isReversed ? " reversed" : "")"
        return "\(model.rowCount) peers, \(model.upCount) up\(filter), \(order)   "
            + "receiving \(Self.rate(model.receiving)), sending \(Self.rate(model.sending))"
    }

    private func cells(_ row: TopModel.Row, now: Timestamp) -> [Cell] {
        // Whose time is not yet come, or over, has no state.
        let letIn = row.state.map { row.isPresent ? $0.word : "missing" } ?? "-"
        let state = row.isEnabled ? letIn : "disabled"
        let age = row.lastHandshake.map { Words.age(of: Timestamp(milliseconds: $0), now: now) } ?? "never"
        return [
            Cell(text: Words.shortened("\(row.interface)/\(row.name)".printable, to: 40)), Cell(text: state),
            Cell(text: row.receiving.map(Self.rate) ?? "-", isRight: true),
            Cell(text: row.sending.map(Self.rate) ?? "-", isRight: true), Cell(text: sparkline(row.history)),
            Cell(text: Words.bytes(row.received), isRight: true), Cell(text: Words.bytes(row.sent), isRight: true),
            Cell(text: age, isRight: true), Cell(text: row.endpoint.isEmpty ? "-" : row.endpoint.printable),
        ]
    }

    static func rate(_ bytes: Double) -> String { Words.bytes(UInt64(max(0, min(bytes, 1e18)))) + "/s" }

    /// Against the peer's own largest rate; blank where there was none yet.
    func sparkline(_ history: [Double]) -> String {
        let steps = Array(hasUnicode ? "▁▂▃▄▅▆▇█" : "_.-:=+*#")
        let most = history.max() ?? 0
        let marks = history.map { rate -> Character in
            guard most > 0, rate > 0 else { return steps[0] }
            return steps[min(steps.count - 1, Int(rate / most * Double(steps.count - 1) + 0.5))]
        }
        return String(repeating: " ", count: max(0, TopModel.historyLength - marks.count)) + String(marks)
    }

    private func table(_ rows: [[Cell]]) -> [String] {
        let widths = Self.titles.indices.map { column in rows.map { $0[column].text.displayWidth }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { index, cell in
                let padding = String(repeating: " ", count: widths[index] - cell.text.displayWidth)
                if cell.isRight { return padding + cell.text }
                return index == row.count - 1 ? cell.text : cell.text + padding
            }.joined(separator: "  ")
        }
    }

    /// What fits into the width.
    private func fitted(_ line: String) -> String {
        guard let width, line.displayWidth > width else { return line }
        var output = ""
        var columns = 0
        for character in line {
            columns += String(character).displayWidth
            guard columns <= width else { break }
            output.append(character)
        }
        return output
    }
}
