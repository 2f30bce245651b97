// SPDX-License-Identifier: Apache-2.0

/// That something was done, when there is nothing more to show.
struct Outcome: Presentable {
    var sentence: String
    var revision: Int64?

    var document: Document { .object(["revision": .number(revision)]) }

    func text(styled: Bool) -> String { sentence.printable + "\n" }
}
