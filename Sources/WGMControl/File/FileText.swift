// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension FileField {
    /// A value as a difference shows it: lists as JSON.
    func text(_ draft: Draft) -> String? {
        guard let values = read(draft) else { return nil }
        guard form == .list else { return values.first }
        return "[" + values.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }

    /// The order within a list means nothing.
    func isSame(_ before: Draft?, _ after: Draft) -> Bool {
        guard let before else { return false }
        return form == .list ? read(before)?.sorted() == read(after)?.sorted() : read(before) == read(after)
    }
}

extension FileAttribute {
    /// True when this is what there is.
    func says(_ present: [String]?, as wanted: Form) -> Bool {
        guard let present else { return form == .null }
        guard form != .null, (form == .list) == (wanted == .list) else { return false }
        return form == .list ? values.sorted() == present.sorted() : values == present
    }

    /// Why this cannot be the value of such a field; nil if it can.
    func formFault(_ wanted: Form) -> String? {
        switch (wanted, form) {
        case (_, .null): nil
        case (.list, .list): nil
        case (.list, _): "a list, such as [\(values.first ?? "")]"
        case (_, .list): "one value, not a list"
        default: values.count == 1 ? nil : "one value"
        }
    }
}

extension FileProblem.Place {
    /// `[2]` is value 2, anything else the attribute itself.
    func at(_ field: String) -> Self {
        var place = self
        if field.hasPrefix("["), field.hasSuffix("]") { place.value = Int(field.dropFirst().dropLast()) }
        return place
    }
}

extension PeerDraft {
    /// A prefix that is one of the peer's own addresses is no prefix behind it; and a preshared key was for one key only.
    mutating func normalise(_ before: PeerRecord?) {
        if let before, before.publicKey != publicKey { presharedKey = nil }
        let own = Set((addresses ?? []).map { IPPrefix(host: $0) })
        routed.removeAll { own.contains($0) }
    }
}
