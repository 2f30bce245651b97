// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// The key that the kernel was last seen with, and since when.
///
/// A switch of keys is committed before the kernel makes it, and may be long before: handshakes in between are still with the
/// other key, and say nothing of the present one.
package struct KeySight: Hashable, Sendable {
    package var publicKey: PublicKey
    package var since: Timestamp

    package init(publicKey: PublicKey, since: Timestamp) {
        self.publicKey = publicKey
        self.since = since
    }
}

extension GatewayState {
    /// True if that is news.
    mutating func see(_ key: PublicKey, on interface: InterfaceRecord, at time: Timestamp) -> Bool {
        guard progress[interface.name]?.key?.publicKey != key else { return false }
        progress[interface.name, default: Progress(changed: interface.revision, settled: -1)].key = KeySight(
            publicKey: key,
            since: time
        )
        return true
    }

    /// From when on a handshake is one with the present key; nil when no rotation has come to its switch.
    func adoption(_ interface: InterfaceRecord) -> Timestamp? {
        guard let switched = interface.rotation?.switched else { return nil }
        guard let sight = progress[interface.name]?.key else { return switched }
        return sight.publicKey == interface.publicKey ? sight.since : Timestamp(seconds: .max)
    }
}
