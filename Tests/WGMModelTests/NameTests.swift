// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@Suite struct NameTests {
    @Test(
        "interface names are those of Linux and wg-quick",
        arguments: ["wg0", "a", "WG_1=+.-x", "123456789012345", "_"]
    )
    func interfaceNames(text: String) {
        #expect(InterfaceName(text)?.value == text)
    }

    @Test(
        "other interface names are refused",
        arguments: [
            "", ".", "..", "all", "default", "lo", "-wg0", "1234567890123456", "wg 0", "wg/0", "wg0\n", "wg\0", "wgü",
            "*",
            "wg:0", "wg;0", "$(id)", "%d",
        ]
    )
    func badInterfaceNames(text: String) {
        #expect(InterfaceName(text) == nil)
    }

    @Test(
        "object names start with a letter or digit",
        arguments: ["a", "alice", "0", "alice.smith@example.org", "a+b_c-d", String(repeating: "x", count: 63)]
    )
    func objectNames(text: String) {
        #expect(ObjectName(text)?.value == text)
    }

    @Test(
        "other object names are refused",
        arguments: [
            "", ".", "..", "-a", "_a", "@a", "a b", "a/b", "*", "a*", "a\n", "a\0", "ü", "a\u{301}",
            String(repeating: "x", count: 64), String(repeating: "x", count: 1_000_000), "a=b", "a:b",
        ]
    )
    func badObjectNames(text: String) {
        #expect(ObjectName(text) == nil)
    }

    @Test(
        "moments before 1970 keep their milliseconds",
        arguments: [-1, -999, -1000, -1001, 0, 1, 999, 1000, 1_700_000_000_123]
    )
    func timestamps(milliseconds: Int64) {
        #expect(Timestamp(milliseconds: milliseconds).milliseconds == milliseconds)
    }
}

@Suite struct Base64Tests {
    @Test(
        "the vectors of RFC 4648 hold",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func vectors(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8), variant: .standard) == encoded)
        #expect(Base64.decode(encoded.utf8, variant: .standard) == Array(plain.utf8))
        let bare = encoded.split(separator: "=").first.map(String.init) ?? ""
        #expect(Base64.encode(Array(plain.utf8), variant: .url) == bare)
        #expect(Base64.decode(bare.utf8, variant: .url) == Array(plain.utf8))
    }

    @Test(
        "anything but the canonical form is refused",
        arguments: [
            "Zg=", "Zg", "Zh==", "Zg===", "Z", "Zm9=", "Zm9v\n", " Zm9v", "Zm-v", "Zm_v", "=", "====", "Zg==Zg==",
        ]
    )
    func standardOnly(text: String) {
        #expect(Base64.decode(text.utf8, variant: .standard) == nil)
    }

    @Test(
        "the other alphabet, padding and loose bits are refused",
        arguments: ["Zg==", "Zh", "Zm+v", "Zm/v", "A", "Zm9v=", "Zm9"]
    )
    func urlOnly(text: String) {
        #expect(Base64.decode(text.utf8, variant: .url) == nil)
    }

    @Test("random bytes come back")
    func roundTrip() {
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
            #expect(Base64.decode(Base64.encode(bytes, variant: .standard).utf8, variant: .standard) == bytes)
            #expect(Base64.decode(Base64.encode(bytes, variant: .url).utf8, variant: .url) == bytes)
        }
    }

    @Test("a public key is 32 bytes and has one way to be written")
    func publicKeys() throws {
        let bytes = (0..<32).map { UInt8($0) }
        let key = try #require(PublicKey(bytes: bytes))
        #expect(key.bytes == bytes)
        #expect(PublicKey(base64: key.description) == key)
        #expect(!key.isZero && PublicKey(bytes: [UInt8](repeating: 0, count: 32))?.isZero == true)
        #expect(PublicKey(bytes: bytes.dropLast()) == nil && PublicKey(bytes: bytes + [0]) == nil)
        #expect(PublicKey(base64: String(key.description.dropLast())) == nil)
        #expect(PublicKey(base64: key.description + "=") == nil)
    }

    @Test("public keys are ordered as their bytes are")
    func keyOrder() throws {
        let keys = try (0..<200).map { _ in
            try #require(PublicKey(bytes: (0..<32).map { _ in UInt8.random(in: 0...3) }))
        }
        let byBytes = keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        #expect(keys.sorted() == byBytes)
    }
}
