// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMKeys

@Suite("Secrets on their way to the keeper")
struct IntakeTests {
    private let interface = InterfaceID(7)

    private func key(_ byte: UInt8) throws -> PublicKey {
        try #require(PublicKey(bytes: [UInt8](repeating: byte, count: PublicKey.byteCount)))
    }

    @Test("A preshared key arrives sealed for its peer and interface, with the mark that a dump gives it")
    func presharedKey() throws {
        let sealing = try SealingKey.generate()
        let intake = try IntakeKeyPair(of: sealing)
        let peer = try key(1)
        let preshared = try PresharedKey.generate()
        let secret = try intake.reseal(preshared.boxed(for: peer, to: intake.publicKey), of: interface, sealing)
        #expect(secret.publicKey == peer)
        let opened = try sealing.openPresharedKey(secret.key, of: interface, peer: peer)
        let isSame = unsafe preshared.withUnsafeBytes { sent in
            unsafe opened.withUnsafeBytes { arrived in unsafe sent.elementsEqual(arrived) }
        }
        #expect(isSame)
        let mark = unsafe preshared.withUnsafeBytes { unsafe sealing.marker.mark(of: $0, peer: peer) }
        #expect(secret.mark == mark)
    }

    @Test("A private key arrives with its other half")
    func privateKey() throws {
        let sealing = try SealingKey.generate()
        let intake = try IntakeKeyPair(of: sealing)
        let key = try PrivateKey.generate()
        let secret = try intake.reseal(key.boxed(to: intake.publicKey), of: interface, sealing)
        #expect(secret.publicKey == key.publicKey && secret.mark == nil)
        #expect(try sealing.openPrivateKey(secret.key, of: interface).publicKey == key.publicKey)
    }

    @Test("The intake key stays the same over a restart, and is another for another key-encryption key")
    func derived() throws {
        let sealing = try SealingKey.generate()
        let again = try unsafe sealing.withUnsafeBytes { (bytes) throws(KeyError) in
            try unsafe SealingKey(bytes: bytes)
        }
        let first = try IntakeKeyPair(of: sealing).publicKey
        #expect(try IntakeKeyPair(of: again).publicKey == first)
        #expect(try IntakeKeyPair(of: SealingKey.generate()).publicKey != first)
    }

    @Test("A box that was changed anywhere, or is for another keeper, does not open")
    func foreign() throws {
        let sealing = try SealingKey.generate()
        let intake = try IntakeKeyPair(of: sealing)
        let box = try PresharedKey.generate().boxed(for: key(1), to: intake.publicKey)
        for index in box.bytes.indices {
            var bytes = box.bytes
            bytes[index] ^= 1
            let changed = try #require(SecretBox(bytes: bytes))
            #expect(throws: KeyError.doesNotOpen) { _ = try intake.reseal(changed, of: interface, sealing) }
        }
        let other = try IntakeKeyPair(of: SealingKey.generate())
        #expect(throws: KeyError.doesNotOpen) { _ = try other.reseal(box, of: interface, sealing) }
    }

    @Test("The same preshared key has another mark for another peer, and under another key-encryption key")
    func marks() throws {
        let sealing = try SealingKey.generate()
        let other = try SealingKey.generate()
        let (one, two) = (try key(1), try key(2))
        let secret = [UInt8](repeating: 9, count: 32)
        let marks = unsafe secret.withUnsafeBytes { bytes in
            unsafe [
                sealing.marker.mark(of: bytes, peer: one), sealing.marker.mark(of: bytes, peer: two),
                other.marker.mark(of: bytes, peer: one),
            ]
        }
        #expect(Set(marks).count == 3 && !marks.contains(.unknown))
    }
}
