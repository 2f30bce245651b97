// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// A point of the history: `r17` after a revision, `2h` ago, or a time such as `2026-01-31T14:03:00Z`.
enum PastMoment: Hashable, Sendable, ExpressibleByArgument {
    case after(Int64)
    case time(Since)

    static let help = ArgumentHelp(
        "As it was then: r17 for after revision 17, 2h for two hours ago, or a time such as 2026-01-31T14:03:00Z.",
        valueName: "when"
    )

    init?(argument: String) {
        if argument.first == "r", let number = Int64(argument.dropFirst()), number >= 0 {
            self = .after(number)
        } else if let since = Since(argument: argument) {
            self = .time(since)
        } else {
            return nil
        }
    }

    var revision: Int64? {
        if case .after(let number) = self { number } else { nil }
    }

    func milliseconds(now: Timestamp) -> Int64? {
        if case .time(let since) = self { since.timestamp(now: now).milliseconds } else { nil }
    }
}
