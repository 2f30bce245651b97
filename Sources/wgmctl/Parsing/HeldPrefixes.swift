// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Who holds which prefixes, and which of them overlap another one.
struct HeldPrefixes<Owner> {
    private var owners: [IPPrefix: [Owner]] = [:]
    private let sorted: [IPPrefix]

    init(_ held: [(prefix: IPPrefix, owner: Owner)]) {
        for (prefix, owner) in held { owners[prefix, default: []].append(owner) }
        sorted = owners.keys.sorted()
    }

    /// The first of another owner that holds the prefix, else that lies in it.
    func first(overlapping prefix: IPPrefix, where isOther: (Owner) -> Bool) -> (prefix: IPPrefix, owner: Owner)? {
        for length in 0...Int(prefix.length) {
            guard let wider = IPPrefix(masking: prefix.address, length: length) else { continue }
            if let owner = owners[wider]?.first(where: isOther) { return (wider, owner) }
        }
        // Those that lie in it follow one another.
        var index = lowerBound(of: prefix)
        while index < sorted.count, prefix.contains(sorted[index].address) {
            if let owner = owners[sorted[index]]?.first(where: isOther) { return (sorted[index], owner) }
            index += 1
        }
        return nil
    }

    private func lowerBound(of prefix: IPPrefix) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < prefix { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
