// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMKeys
import WGMModel
import WGMVerify

@Suite("Keys")
struct KeyTests {
    /// RFC 7748 section 6.1, Alice.
    private let rfcPrivate = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
    private let rfcPublic = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="

    private func privateKey(_ text: String) throws(KeyError) -> PrivateKey {
        var secret = try SecretText(capacity: 100)
        try secret.append(text)
        return try PrivateKey(base64: secret)
    }

    @Test("the public key is the one of RFC 7748", arguments: ["", "\n", "\r\n"])
    func knownPublicKey(ending: String) throws {
        let key = try privateKey(rfcPrivate + ending)
        #expect(key.publicKey.description == rfcPublic)
        #expect(try secretText(key.base64()) == rfcPrivate)
    }

    @Test(
        "text that is not exactly one key is refused",
        arguments: [
            "", "\n", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
            "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=", " dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
            "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n\n", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCoA",
            "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC==", "dwdt-nMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
        ]
    )
    func malformed(text: String) {
        #expect(throws: KeyError.malformed) { _ = try privateKey(text) }
    }

    @Test("generated private keys are clamped and different")
    func generated() throws {
        var seen: Set<PublicKey> = []
        for _ in 0..<1000 {
            let key = try PrivateKey.generate()
            let isClamped = unsafe key.withUnsafeBytes { unsafe $0[0] & 7 == 0 && $0[31] & 0xc0 == 0x40 }
            #expect(isClamped)
            seen.insert(key.publicKey)
        }
        #expect(seen.count == 1000)
    }

    @Test("a signature is valid for its message and key only")
    func signatures() throws {
        let key = try SigningKey.generate()
        let message = Array("message".utf8)
        let signature = try key.sign(message)
        #expect(Signature.isValid(signature, of: message, by: key.publicKey))
        #expect(!Signature.isValid(signature, of: message + [0], by: key.publicKey))
        #expect(try !Signature.isValid(signature, of: message, by: SigningKey.generate().publicKey))
        #expect(!Signature.isValid(Array(signature.dropLast()), of: message, by: key.publicKey))
        #expect(!Signature.isValid(signature, of: message, by: []))
    }

    @Test("a key id is 16 characters of base64url")
    func keyID() throws {
        let key = try SigningKey.generate()
        #expect(key.keyID.utf8.count == 16)
        #expect(Base64.decode(key.keyID.utf8, variant: .url)?.count == 12)
    }

    @Test("secret text takes what fits and no more")
    func capacity() throws {
        var text = try SecretText(capacity: 4)
        try text.append("abc")
        #expect(throws: KeyError.wrongLength(expected: 1, actual: 2)) { try text.append("de") }
        unsafe text.fill { buffer in
            unsafe buffer[0] = UInt8(ascii: "d")
            return buffer.count
        }
        #expect(secretText(text) == "abcd")
    }
}

@Suite("Hashes")
struct HashTests {
    @Test("SHA-256 of abc is the one of FIPS 180-4")
    func sha256() {
        let expected = bytes(hex: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Hash.sha256(Array("abc".utf8)) == expected)
    }

    @Test("BLAKE2b-256 of nothing is the known one")
    func blake2b() {
        let expected = bytes(hex: "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
        #expect(Hash.blake2b([]) == expected)
    }

    @Test("comparison sees length and content")
    func comparison() {
        #expect(ConstantTime.areEqual([1, 2], [1, 2]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 3]))
        #expect(!ConstantTime.areEqual([1, 2], [1, 2, 3]))
        #expect(ConstantTime.areEqual([], []))
        #expect(Set((0..<100).map { _ in RandomBytes.make(16) }).count == 100)
    }
}
