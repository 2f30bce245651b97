// SPDX-License-Identifier: Apache-2.0

import WGMControl
import WGMModel

extension HistoryReader {
    private static let moments: Set<String> = ["created", "valid_from", "valid_until", "next_key_from", "key_since"]

    /// Times are as they are told everywhere else.
    static func attribute(_ name: String, _ before: String?, _ after: String?) -> ObjectDifference.Attribute {
        func told(_ value: String?) -> String? {
            guard let value, moments.contains(name), let time = CalendarTime.milliseconds(value) else { return value }
            return CalendarTime.text(milliseconds: time, isExact: true)
        }
        return ObjectDifference.Attribute(name: name, before: told(before), after: told(after))
    }
}
