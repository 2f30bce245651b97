// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// A value of an option, or `none` to clear what there is.
struct Clearable<Value: ExpressibleByArgument>: ExpressibleByArgument {
    /// nil for `none` and for nothing.
    let value: Value?

    init?(argument: String) {
        guard argument != "none", !argument.isEmpty else {
            value = nil
            return
        }
        guard let value = Value(argument: argument) else { return nil }
        self.value = value
    }
}

extension Clearable: Sendable where Value: Sendable {}

/// A moment to come: `+30d` from now, a time such as `2026-12-31T23:59:59Z`, or `none`.
enum Deadline: Hashable, Sendable, ExpressibleByArgument {
    case never
    case after(TimeSpan)
    case at(Timestamp)

    init?(argument: String) {
        if argument == "none" || argument.isEmpty {
            self = .never
        } else if argument.first == "+", let span = TimeSpan(argument: String(argument.dropFirst())) {
            self = .after(span)
        } else if let moment = Timestamp(argument) {
            self = .at(moment)
        } else {
            return nil
        }
    }

    /// 0 for never, as the protocol has it.
    func milliseconds(now: Timestamp) -> Int64 {
        switch self {
        case .never: 0
        case .after(let span): now.milliseconds + Int64(span.seconds) * 1000
        case .at(let moment): moment.milliseconds
        }
    }
}

extension V1.TextList {
    /// nil when the option was not given; the word `none` alone stands for an empty list.
    init?(option items: [String]) {
        guard !items.isEmpty else { return nil }
        self.init(items: items == ["none"] || items == [""] ? [] : items)
    }
}
