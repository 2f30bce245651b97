// SPDX-License-Identifier: Apache-2.0

import CSodium
import Testing
import WGMModel
import WGMVerify

@testable import WGMKeys

@Suite("Wycheproof vectors")
struct VectorTests {
    @Test("Ed25519 signatures are accepted or refused as the vectors say")
    func ed25519() throws {
        let file = try Wycheproof.read("ed25519_test.json", Wycheproof.SignatureGroup.self)
        var count = 0
        for group in file.testGroups {
            for vector in group.tests {
                let isValid = Signature.isValid(
                    bytes(hex: vector.sig),
                    of: bytes(hex: vector.msg),
                    by: bytes(hex: group.publicKey.pk)
                )
                #expect(isValid == (vector.result == "valid"), "vector \(vector.tcId)")
                count += 1
            }
        }
        #expect(count == file.numberOfTests && count == 151)
    }

    /// The library's public key is the product with the base point; the vectors multiply other points, which wgm never
    /// does itself, so what is checked here is the curve arithmetic of the library that it links.
    @Test("X25519 products are those of the vectors, and low-order points are refused")
    func x25519() throws {
        let file = try Wycheproof.read("x25519_test.json", Wycheproof.ExchangeGroup.self)
        var count = 0
        for vector in file.testGroups.flatMap(\.tests) {
            var shared = [UInt8](repeating: 0, count: 32)
            let status = unsafe crypto_scalarmult(&shared, bytes(hex: vector.private), bytes(hex: vector.public))
            let isZero = bytes(hex: vector.shared).allSatisfy { $0 == 0 }
            #expect(isZero ? status != 0 : status == 0 && shared == bytes(hex: vector.shared), "vector \(vector.tcId)")
            count += 1
        }
        #expect(count == file.numberOfTests && count == 518)
    }

    @Test("XChaCha20-Poly1305 boxes open or do not open as the vectors say")
    func xchacha20Poly1305() throws {
        let file = try Wycheproof.read("xchacha20_poly1305_test.json", Wycheproof.BoxGroup.self)
        var count = 0
        for vector in file.testGroups.flatMap(\.tests) {
            count += 1
            let nonce = bytes(hex: vector.iv)
            guard nonce.count == 24 else {
                #expect(vector.result == "invalid", "vector \(vector.tcId)")
                continue
            }
            let box = bytes(hex: vector.ct + vector.tag)
            let label = bytes(hex: vector.aad)
            var message = [UInt8](repeating: 0, count: box.count)
            var length: UInt64 = 0
            let status = unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                &message,
                &length,
                nil,
                box,
                UInt64(box.count),
                label,
                UInt64(label.count),
                nonce,
                bytes(hex: vector.key)
            )
            #expect((status == 0) == (vector.result == "valid"), "vector \(vector.tcId)")
            if status == 0 { #expect(Array(message.prefix(Int(length))) == bytes(hex: vector.msg)) }
        }
        #expect(count == file.numberOfTests && count == 315)
    }
}
