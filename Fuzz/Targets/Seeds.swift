// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Inputs that are checked in: what is ordinary, and what once was found.
package struct Seeds {
    /// Where a seed stands, and its bytes.
    package let inputs: [(place: String, bytes: [UInt8])]

    /// Those of a target: the lines of Fuzz/Seeds/SEEDS.hex, and the files of the folder Fuzz/Seeds/SEEDS as they are.
    package init(of target: any FuzzTarget.Type) throws {
        let seeds = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Seeds")
        let lines = seeds.appending(path: "\(target.seeds).hex")
        let folder = seeds.appending(path: target.seeds)
        var inputs: [(String, [UInt8])] = []
        if FileManager.default.fileExists(atPath: lines.path) {
            inputs += try Self.read(lines: String(contentsOf: lines, encoding: .utf8), lines.lastPathComponent)
        }
        if FileManager.default.fileExists(atPath: folder.path) {
            for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
                inputs.append(("\(target.seeds)/\(file)", Array(try Data(contentsOf: folder.appending(path: file)))))
            }
        }
        self.inputs = inputs
    }

    /// Writes each into a file of its own, as libFuzzer wants them.
    package func write(into folder: String) throws {
        for (place, bytes) in inputs {
            let name = "seed-" + place.replacing("/", with: "-")
            try Data(bytes).write(to: URL(filePath: folder).appending(path: name))
        }
    }

    /// One input a line: hex, with text in quotes between; what follows # is for people.
    private static func read(lines: String, _ file: String) throws -> [(String, [UInt8])] {
        try lines.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { number, line in
            let hex = line.prefix { $0 != "#" }
            if hex.allSatisfy(\.isWhitespace) { return nil }
            guard let bytes = bytes(hex) else {
                throw Finding(description: "\(file):\(number + 1) is neither hex nor text in quotes")
            }
            return ("\(file):\(number + 1)", bytes)
        }
    }

    private static func bytes(_ line: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        for (index, part) in line.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            if index.isMultiple(of: 2) {
                let digits = Array(part.filter { !$0.isWhitespace })
                guard digits.count.isMultiple(of: 2) else { return nil }
                for start in stride(from: 0, to: digits.count, by: 2) {
                    guard let byte = UInt8(String(digits[start...start + 1]), radix: 16) else { return nil }
                    bytes.append(byte)
                }
            } else {
                bytes += Array(part.utf8)
            }
        }
        return bytes
    }
}
