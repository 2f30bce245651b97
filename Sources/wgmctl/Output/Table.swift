// SPDX-License-Identifier: Apache-2.0

/// What a person gets to read: rows under a header, or labels with values; never cut off.
struct Table: Sendable {
    enum Alignment: Sendable { case left, right }

    struct Column: Sendable {
        var title: String
        var alignment: Alignment = .left
    }

    private var columns: [Column]
    private var rows: [[String]] = []
    private var hasHeader: Bool

    init(_ columns: [Column]) {
        self.columns = columns
        hasHeader = true
    }

    /// Labels left, values right, no header.
    init(details: [(label: String, value: String)]) {
        columns = [Column(title: ""), Column(title: "")]
        hasHeader = false
        for detail in details { append([detail.label + ":", detail.value]) }
    }

    /// Adds a row; an empty cell is shown as `-`.
    mutating func append(_ cells: [String]) {
        rows.append(cells.map { $0.isEmpty ? "-" : $0.printable })
    }

    /// One line per row, each with a line end; titles are bold when `styled`.
    func rendered(styled: Bool) -> String {
        let widths = columns.indices.map(width)
        var output = ""
        if hasHeader { output += style(line(columns.map(\.title), widths), styled) + "\n" }
        for row in rows {
            output += (hasHeader ? line(row, widths) : detailLine(row, widths, styled)) + "\n"
        }
        return output
    }

    private func width(_ column: Int) -> Int {
        let title = hasHeader ? columns[column].title.displayWidth : 0
        return rows.reduce(title) { max($0, $1[column].displayWidth) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var output = ""
        for (index, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[index] - cell.displayWidth)
            let isLast = index == cells.count - 1
            output += columns[index].alignment == .right ? padding + cell : isLast ? cell : cell + padding
            if !isLast { output += "  " }
        }
        return output
    }

    private func detailLine(_ cells: [String], _ widths: [Int], _ styled: Bool) -> String {
        let padding = String(repeating: " ", count: widths[0] - cells[0].displayWidth)
        return style(cells[0], styled) + padding + "  " + cells[1]
    }

    private func style(_ text: String, _ styled: Bool) -> String { styled ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
}
