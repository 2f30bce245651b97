// SPDX-License-Identifier: Apache-2.0

extension StringProtocol {
    /// Without spaces, tabs and line ends at both ends.
    var trimmed: String {
        let front = drop { $0.isWhitespace }
        return String(
            front.prefix(upTo: front.lastIndex { !$0.isWhitespace }.map(front.index(after:)) ?? front.startIndex)
        )
    }
}
