// SPDX-License-Identifier: Apache-2.0

/// What somebody may have meant by a name that there is not.
package enum NearestName {
    /// Words for a name that is not known.
    package static func rule(_ name: String, among names: [String]) -> String {
        guard let nearest = find(name, among: names) else {
            return "is not known here; there are \(names.joined(separator: ", "))"
        }
        return "is not known here; did you mean \(nearest)?"
    }

    /// The one that takes the fewest letters to come to, if these are few.
    package static func find(_ name: String, among names: [String]) -> String? {
        guard (1...64).contains(name.utf8.count) else { return nil }
        let plain = name.lowercased().filter { $0 != "_" && $0 != "-" }
        let near = names.map { ($0, distance(Array(plain.utf8), Array($0.filter { $0 != "_" }.utf8))) }
        guard let best = near.min(by: { $0.1 < $1.1 }), best.1 <= max(1, plain.utf8.count / 3) else { return nil }
        return best.0
    }

    /// How many letters must be changed, added or taken away (Levenshtein).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (letter == right[column] ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
