// SPDX-License-Identifier: Apache-2.0

/// The interfaces of which something changed in the kernel, whoever did it; bounded.
package struct ChangedLinks: Hashable, Sendable {
    /// With more names than this it is every interface.
    package static let maximumCount = 256
    /// Something was missed: any interface may have changed.
    package private(set) var isEverything: Bool
    /// Empty when it is every interface.
    package private(set) var names: Set<InterfaceName> = []

    package init(everything: Bool = false) { isEverything = everything }

    package static let everything = ChangedLinks(everything: true)

    package var isEmpty: Bool { !isEverything && names.isEmpty }

    package mutating func insert(_ name: InterfaceName) {
        guard !isEverything else { return }
        names.insert(name)
        if names.count > Self.maximumCount { self = .everything }
    }

    package mutating func formUnion(_ other: ChangedLinks) {
        if other.isEverything { self = .everything }
        for name in other.names { insert(name) }
    }
}
