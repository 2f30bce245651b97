// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import WGMControl

@Suite struct StrictJSONTests {
    private func parse(_ text: String) -> StrictJSON? { StrictJSON.parse(Array(text.utf8)) }

    @Test("values are read")
    func values() {
        #expect(
            parse(#" {"a":[1,-2,0],"b":{"c":"d"},"e":true,"f":false} "#)?.object?["a"]
                == .array([.integer(1), .integer(-2), .integer(0)])
        )
        #expect(parse(#""\u0041\n\"\\\/\ud83d\ude00é""#) == .string("A\n\"\\/😀é"))
        #expect(parse("9223372036854775807") == .integer(.max))
        #expect(parse("{}") == .object([:]))
        #expect(parse("[]") == .array([]))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", " ", "{", "}", "[", "]", "\"", "null", "nul", "tru", "truee", "1.0", "1e3", "1E3", "-", "+1", "01",
            "-0", "-01",
            "9223372036854775808", "0x10", "NaN", "Infinity", "{\"a\":1,}", "[1,]", "[,1]", "{,}", "{\"a\"}",
            "{\"a\":}",
            "{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}", "{\"a\":1}{}", "{\"a\":1}x", "[1 2]", "\"\n\"", "\"\t\"",
            "\"\\x\"",
            "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\u+123\"", "//",
            "/**/1", "\u{feff}1",
            "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "{\"a\":1,\"b\":2,\"a\":3}", "\"\\",
        ]
    )
    func refused(text: String) {
        #expect(parse(text) == nil)
    }

    @Test("six levels are read and seven are not")
    func depth() {
        let six = String(repeating: "[", count: 6) + String(repeating: "]", count: 6)
        #expect(parse(six) != nil)
        #expect(parse("[" + six + "]") == nil)
        #expect(parse(String(repeating: "[", count: 4000)) == nil)
        #expect(parse(String(repeating: "{\"a\":", count: 600)) == nil)
    }

    @Test("4096 bytes are read and 4097 are not")
    func length() {
        #expect(parse("\"" + String(repeating: "a", count: 4094) + "\"") != nil)
        #expect(parse("\"" + String(repeating: "a", count: 4095) + "\"") == nil)
    }

    @Test(
        "text that is not UTF-8 is refused",
        arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc3]]
    )
    func encoding(bytes: [UInt8]) {
        #expect(StrictJSON.parse([0x22] + bytes + [0x22]) == nil)
    }

    @Test("what is quoted reads back", arguments: ["", "a", "\"\\\n\0\u{7f}", "é😀\u{2028}", "</script>"])
    func quoting(text: String) {
        let quoted = StrictJSON.quote(text)
        #expect(quoted.utf8.allSatisfy { (0x20..<0x7f).contains($0) })
        #expect(parse(quoted) == .string(text))
    }

    @Test("random bytes do no harm")
    func randomBytes() {
        var random = Xorshift(state: 7)
        let alphabet = Array(#"{}[]":,\u0123456789abcdeftruls-. "#.utf8) + [0xff, 0xc3, 0xa9, 0]
        for _ in 0..<100_000 {
            let bytes = (0..<random.below(40)).map { _ in alphabet[random.below(alphabet.count)] }
            _ = StrictJSON.parse(bytes)
        }
    }
}
