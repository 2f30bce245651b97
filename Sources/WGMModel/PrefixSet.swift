// SPDX-License-Identifier: Apache-2.0

/// Prefixes, each once: sorted in an array, since there are mostly two, and tens of thousands of such sets.
package struct PrefixSet: Hashable, Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
    private var items: [IPPrefix]

    package init(_ prefixes: some Sequence<IPPrefix>) {
        items = Array(prefixes)
        if zip(items.dropFirst(), items).contains(where: { $0 <= $1 }) { order() }
    }

    package init(arrayLiteral prefixes: IPPrefix...) { self.init(prefixes) }

    private mutating func order() {
        items.sort()
        var unique: [IPPrefix] = []
        for item in items where item != unique.last { unique.append(item) }
        items = unique
    }

    package var startIndex: Int { items.startIndex }
    package var endIndex: Int { items.endIndex }
    package subscript(position: Int) -> IPPrefix { items[position] }

    package func contains(_ prefix: IPPrefix) -> Bool {
        let place = place(of: prefix)
        return place < items.count && items[place] == prefix
    }

    package mutating func insert(_ prefix: IPPrefix) {
        if !contains(prefix) { items.insert(prefix, at: place(of: prefix)) }
    }

    package mutating func remove(_ prefix: IPPrefix) {
        if contains(prefix) { items.remove(at: place(of: prefix)) }
    }

    /// Of the first that is not below this one.
    private func place(of prefix: IPPrefix) -> Int {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle] < prefix { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func union(_ more: [IPPrefix]) -> PrefixSet { items.isEmpty ? PrefixSet(more) : PrefixSet(items + more) }

    /// Sorted, like the set itself.
    package func subtracting(_ other: PrefixSet) -> [IPPrefix] { items.filter { !other.contains($0) } }
}
