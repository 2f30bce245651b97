// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Questions to a person at a terminal.
struct Questions {
    /// nil when nobody could answer.
    init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return nil }
    }

    /// The answer, or the suggestion when it is empty.
    func ask(_ question: String, suggestion: String) -> String {
        Console.prompt("\(question) [\(suggestion)]: ")
        let answer = readLine()?.filter { $0 != " " && $0 != "\t" } ?? ""
        return answer.isEmpty ? suggestion : answer
    }

    /// This machine's name if it has a domain: nobody elsewhere finds one without, so that it is `-`, for none.
    static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "-" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return name.contains(".") ? name : "-"
    }
}
