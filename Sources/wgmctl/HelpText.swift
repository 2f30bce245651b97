// SPDX-License-Identifier: Apache-2.0

/// The help of a command, in the order in which somebody looks for things.
enum HelpText {
    /// ArgumentParser puts sections with a title first: here a command's own options stand before those of every command.
    static func ordered(_ text: String) -> String {
        let text = text.hasSuffix("\n") ? String(text.dropLast()) : text
        var sections = text.split(separator: "\n\n", omittingEmptySubsequences: false)
        let common = sections.firstIndex { $0.hasPrefix(GlobalOptions.title.uppercased() + ":\n") }
        let own = sections.firstIndex { $0.hasPrefix("OPTIONS:\n") }
        guard let common, let own, common < own else { return text }
        sections.insert(sections.remove(at: common), at: own)
        return sections.joined(separator: "\n\n")
    }
}
