// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The public keys that tokens of this node are verified with, by key id; the newest one signs.
///
/// The daemon adds the keeper's key whenever it connects to the keeper. Older keys stay, so that a token lives out its
/// time across a rotation.
package final class TokenKeys: Sendable {
    private struct Keys {
        var byID: [String: [UInt8]] = [:]
        var current: String?
        var sealing: UInt32?
    }
    private let keys = Mutex(Keys())

    package init() {}

    /// The key's id, and its 32 bytes.
    package func use(keyID: String, publicKey: [UInt8]) {
        keys.withLock { keys in
            keys.byID[keyID] = publicKey
            keys.current = keyID
        }
    }

    /// The keeper signs nothing now; what it has signed stays good.
    package func useNone() { keys.withLock { $0.current = nil } }

    /// The id of the key-encryption key that the keeper holds.
    package func use(sealingKeyID: UInt32) { keys.withLock { $0.sealing = sealingKeyID } }

    var sealingKeyID: UInt32? { keys.withLock { $0.sealing } }

    package func remove(keyID: String) {
        keys.withLock { keys in
            keys.byID[keyID] = nil
            if keys.current == keyID { keys.current = nil }
        }
    }

    package var current: String? { keys.withLock { $0.current } }

    func publicKey(_ keyID: String) -> [UInt8]? { keys.withLock { $0.byID[keyID] } }
}
