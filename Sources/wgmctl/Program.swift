// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import WGMKeys
internal import WGMWire

/// Where the process starts, and where every failure becomes words and an exit code.
@main
enum Program {
    static func main() {
        let arguments = LeadingOptions.movedBack(Array(CommandLine.arguments.dropFirst()))
        do {
            if let option = LeadingOptions.withoutValue(arguments) {
                throw ValidationError("\(option) needs a value, and a command behind it: wgmctl --help")
            }
            var command = try Wgmctl.parseAsRoot(arguments)
            try command.run()
        } catch {
            finish(error, arguments)
        }
    }

    private static func finish(_ error: any Error, _ arguments: [String]) -> Never {
        if let failure = failure(error) {
            for line in failure.lines { Console.complain(line) }
            exit(failure.status.rawValue)
        }
        guard Wgmctl.exitCode(for: error) == .validationFailure else {
            guard Wgmctl.exitCode(for: error) == .success else { Wgmctl.exit(withError: error) }
            try? Console.write(raw: HelpText.ordered(Wgmctl.fullMessage(for: error)) + "\n")
            exit(ExitStatus.success.rawValue)
        }
        let message = Wgmctl.fullMessage(for: error)
        let label = "Error: "
        Console.complain("wgmctl: " + (message.hasPrefix(label) ? String(message.dropFirst(label.count)) : message))
        if let hint = Suggestion.hint(for: arguments, known: Wgmctl.commandNames) { Console.complain(hint) }
        exit(ExitStatus.usage.rawValue)
    }

    /// nil for what ArgumentParser means to say itself: help, versions, usage.
    static func failure(_ error: any Error) -> Failure? {
        switch error {
        case let failure as Failure: failure
        case let status as Status: Failure(status)
        case let error as KeyError: Failure(error)
        case let error as SystemError: Failure(.failure, error.description)
        default: nil
        }
    }
}

/// Lets `wgmctl -o json peer list` be `wgmctl peer list -o json`: ArgumentParser wants options behind the command.
enum LeadingOptions {
    private static let names: Set = [
        "--socket", "--output", "-o", "--timeout", "--token-file", "--server", "--ca", "--cert", "--key", "--profile",
    ]

    /// The option, where its value and everything else is missing.
    static func withoutValue(_ arguments: [String]) -> String? {
        guard arguments.count == 1, let only = arguments.first, names.contains(only) else { return nil }
        return only
    }

    static func movedBack(_ arguments: [String]) -> [String] {
        var end = 0
        while end < arguments.count {
            let argument = arguments[end]
            if names.contains(argument), end + 1 < arguments.count {
                end += 2
            } else if let equals = argument.firstIndex(of: "="), names.contains(String(argument[..<equals])) {
                end += 1
            } else {
                break
            }
        }
        // Without a command there is nothing to move them behind.
        guard end > 0, end < arguments.count else { return arguments }
        let rest = arguments[end...]
        let terminator = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<terminator] + arguments[..<end] + rest[terminator...])
    }
}
