// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Who says which addresses a name has: the resolver of this machine.
package protocol NameLookup: Sendable {
    func addresses(of name: HostName) async throws(LookupFailure) -> NamedAddresses
}

/// What a name was found to stand for.
package struct NamedAddresses: Hashable, Sendable {
    /// Of what a resolver says, more is not kept.
    package static let most = 16

    /// Those of IPv6 first; never empty.
    package let addresses: [IPAddress]
    /// For so many seconds the answer holds.
    package let lifetime: UInt32

    /// Leaves out what no peer can have; nil when nothing is left.
    ///
    /// A loopback address counts as that here: who answers for a name would let the gateway send to any port of its own host.
    package init?(_ addresses: [IPAddress], lifetime: UInt32) {
        var seen: Set<IPAddress> = []
        let usable = addresses.filter { $0.hostFault == nil && seen.insert($0).inserted }
        let sorted = usable.filter { $0.family == .v6 }.sorted() + usable.filter { $0.family == .v4 }.sorted()
        guard !sorted.isEmpty else { return nil }
        self.addresses = Array(sorted.prefix(Self.most))
        self.lifetime = lifetime
    }
}

/// Why a name has no address now, in words.
package struct LookupFailure: Error, Hashable, Sendable {
    package let message: String

    package init(_ message: String) { self.message = message }
}
