// SPDX-License-Identifier: Apache-2.0

package import WGMKeys

/// The two keys that the keeper works with.
///
/// A sealed keeper has stand-ins that open and sign nothing anybody knows of, so that it can still take links down.
package struct KeyRing: ~Copyable {
    package let isReady: Bool
    package let sealing: SealingKey
    package let signing: SigningKey

    package init(sealing: consuming SealingKey, signing: consuming SigningKey) {
        isReady = true
        self.sealing = sealing
        self.signing = signing
    }

    private init(standIn sealing: consuming SealingKey, _ signing: consuming SigningKey) {
        isReady = false
        self.sealing = sealing
        self.signing = signing
    }

    package static func sealed() throws(KeyError) -> KeyRing {
        try KeyRing(standIn: SealingKey.generate(), SigningKey.generate())
    }
}
