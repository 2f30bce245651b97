// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One Swift file of `Sources`.
struct SourceFile {
    let target: String
    /// From the root of the package.
    let path: String
    let lines: [Substring]

    /// The modules that the file imports, without submodules.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"), words[..<keyword].allSatisfy(Self.isImportPrefix) else {
                return nil
            }
            var rest = words[(keyword + 1)...]
            if let kind = rest.first, Self.importKinds.contains(kind) { rest = rest.dropFirst() }
            return rest.first?.split(separator: ".").first.map(String.init)
        }
    }

    /// Lines, numbered from 1, that declare something public.
    var publicLines: [Int] {
        lines.indices.filter { index in
            let words = lines[index].split(separator: " ").drop { $0.hasPrefix("@") }
            return words.first == "public" || words.first?.hasPrefix("public(") == true || words.first == "open"
        }.map { $0 + 1 }
    }

    private static let importKinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]

    private static func isImportPrefix(_ word: Substring) -> Bool {
        word.hasPrefix("@") || ["package", "internal", "public", "private", "fileprivate", "unsafe"].contains(word)
    }
}

/// The package's own sources, found from where this file was compiled.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift file below `Sources`.
    static func files() throws -> [SourceFile] {
        let sources = root.appending(path: "Sources").resolvingSymlinksInPath()
        let paths = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }
        return try paths.sorted().map { path in
            let text = try String(contentsOf: sources.appending(path: path), encoding: .utf8)
            return SourceFile(
                target: String(path.prefix { $0 != "/" }),
                path: "Sources/\(path)",
                lines: text.split(separator: "\n", omittingEmptySubsequences: false)
            )
        }
    }
}
