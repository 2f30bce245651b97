// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMKeys
import WGMModel

@Suite("Sealing")
struct SealingTests {
    private let interface = InterfaceID(7)

    @Test("a sealed private key opens for its interface, and is the same key")
    func privateKeyRoundTrip() throws {
        let sealing = try SealingKey.generate()
        let key = try PrivateKey.generate()
        let sealed = try sealing.seal(key, of: interface)
        let opened = try sealing.openPrivateKey(sealed, of: interface)
        #expect(opened.publicKey == key.publicKey)
        #expect(try secretText(opened.base64()) == secretText(key.base64()))
    }

    @Test("a sealed preshared key opens for its interface and peer, and is the same key")
    func presharedKeyRoundTrip() throws {
        let sealing = try SealingKey.generate()
        let key = try PresharedKey.generate()
        let peer = try PrivateKey.generate().publicKey
        let opened = try sealing.openPresharedKey(
            sealing.seal(key, of: interface, peer: peer),
            of: interface,
            peer: peer
        )
        #expect(try secretText(opened.base64()) == secretText(key.base64()))
    }

    @Test("a sealed key that was moved to another row or column does not open")
    func moved() throws {
        let sealing = try SealingKey.generate()
        let peer = try PrivateKey.generate().publicKey
        let other = try PrivateKey.generate().publicKey
        let privateKey = try sealing.seal(PrivateKey.generate(), of: interface)
        let presharedKey = try sealing.seal(PresharedKey.generate(), of: interface, peer: peer)
        let signingKey = try sealing.seal(SigningKey.generate())
        #expect(throws: KeyError.doesNotOpen) { _ = try sealing.openPrivateKey(privateKey, of: InterfaceID(8)) }
        #expect(throws: KeyError.doesNotOpen) {
            _ = try sealing.openPresharedKey(privateKey, of: interface, peer: peer)
        }
        #expect(throws: KeyError.doesNotOpen) {
            _ = try sealing.openPresharedKey(presharedKey, of: interface, peer: other)
        }
        #expect(throws: KeyError.doesNotOpen) {
            _ = try sealing.openPresharedKey(presharedKey, of: InterfaceID(8), peer: peer)
        }
        #expect(throws: KeyError.doesNotOpen) { _ = try sealing.openPrivateKey(presharedKey, of: interface) }
        #expect(throws: KeyError.doesNotOpen) { _ = try sealing.openPrivateKey(signingKey, of: interface) }
        #expect(throws: KeyError.doesNotOpen) { _ = try sealing.openSigningKey(privateKey) }
    }

    @Test("no bit of a sealed key can be flipped")
    func flipped() throws {
        let sealing = try SealingKey.generate()
        let sealed = try sealing.seal(PrivateKey.generate(), of: interface)
        for bit in 0..<(SealedKey.byteCount * 8) {
            var bytes = sealed.bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            let changed = try #require(SealedKey(bytes: bytes))
            #expect(throws: KeyError.self) { _ = try sealing.openPrivateKey(changed, of: interface) }
        }
    }

    @Test("another key-encryption key is named, not tried")
    func otherSealingKey() throws {
        let first = try SealingKey.generate()
        let second = try SealingKey.generate()
        let sealed = try first.seal(PrivateKey.generate(), of: interface)
        let id = first.id
        #expect(sealed.sealingKeyID == id)
        #expect(throws: KeyError.otherSealingKey(id: id)) { _ = try second.openPrivateKey(sealed, of: interface) }
    }

    @Test("a key-encryption key read back from its bytes has the same id and opens the same keys")
    func reloaded() throws {
        let first = try SealingKey.generate()
        let sealed = try first.seal(SigningKey.generate())
        let second = try unsafe first.withUnsafeBytes { bytes throws(KeyError) in try unsafe SealingKey(bytes: bytes) }
        let ids = [first.id, second.id]
        #expect(ids[0] == ids[1])
        _ = try second.openSigningKey(sealed)
    }

    @Test("the same key sealed twice gives different bytes")
    func nonces() throws {
        let sealing = try SealingKey.generate()
        let key = try PrivateKey.generate()
        let sealed = try Set((0..<100).map { _ in try sealing.seal(key, of: interface) })
        #expect(sealed.count == 100)
    }
}

/// For comparisons in tests only: the product has no way from a secret to a `String`.
func secretText(_ text: consuming SecretText) -> String {
    unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
}
