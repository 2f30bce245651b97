// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct TokenTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let tokenID = "AAAAAAAAAAAAAAAAAAAAAA"
    private let signer = TestSigner()
    private let keys = TokenKeys()
    private let verifier: TokenVerifier

    init() throws {
        keys.use(keyID: signer.keyID, publicKey: signer.publicKey)
        verifier = TokenVerifier(node: try #require(ObjectName("n1")), keys: keys)
    }

    private func token(header: String, claims: String) -> String {
        let input =
            Base64.encode(Array(header.utf8), variant: .url) + "." + Base64.encode(Array(claims.utf8), variant: .url)
        return input + "." + Base64.encode(signer.sign(Array(input.utf8)), variant: .url)
    }

    private func header(
        alg: String = "EdDSA",
        typ: String = "wgm-at+jwt",
        kid: String? = nil,
        more: String = ""
    ) -> String {
        #"{"typ":"\#(typ)","alg":"\#(alg)","kid":"\#(kid ?? signer.keyID)"\#(more)}"#
    }

    /// Claims as text, with any member replaced by other text, or removed by an empty one.
    private func claims(_ changes: [String: String] = [:], more: String = "") -> String {
        let seconds = Self.now.seconds
        let members = [
            ("iss", #""wgm:n1""#), ("aud", #""wgm""#), ("sub", #""alice""#), ("jti", "\"\(Self.tokenID)\""),
            ("iat", "\(seconds)"), ("nbf", "\(seconds)"), ("exp", "\(seconds + 900)"), ("cnf", #"{"uid":1000}"#),
            ("scp", #"[{"r":"node/*/interface/**","v":["get","list"]}]"#),
        ]
        let texts = members.compactMap { name, value -> String? in
            let value = changes[name] ?? value
            return value.isEmpty ? nil : "\"\(name)\":\(value)"
        }
        return "{" + texts.joined(separator: ",") + more + "}"
    }

    private func fault(_ token: String) -> TokenFault? {
        do throws(TokenFault) {
            _ = try verifier.verify(token, at: Self.now)
            return nil
        } catch {
            return error
        }
    }

    @Test("a token says what was put into it")
    func roundTrip() async throws {
        let grants = [
            try #require(Grant(resource: "node/*/interface/**", verbs: ["get", "list"])),
            try #require(Grant(resource: "principal/alice/token", verbs: ["issue"])),
        ]
        let made = TokenClaims(
            node: try #require(ObjectName("n1")),
            subject: try #require(ObjectName("alice")),
            tokenID: TokenClaims.makeTokenID(),
            issued: Self.now.seconds,
            lifetime: 900,
            binding: TokenBinding(uid: 1000),
            grants: grants
        )
        let token = try await TokenIssuer(keys: keys, kernel: MemoryKernel(signer: signer)).sign(made)
        #expect(try verifier.verify(token, at: Self.now) == made)
        #expect(token.hasPrefix(TokenHeader.encoded(keyID: signer.keyID) + "."))
    }

    @Test("a token's id never starts with a dash, which a command line would take for an option")
    func tokenIDs() {
        for _ in 0..<2000 {
            let id = TokenClaims.makeTokenID()
            #expect(TokenClaims.isTokenID(id) && !id.hasPrefix("-"))
        }
    }

    @Test("both names of Ed25519 are accepted, and members in any order", arguments: ["EdDSA", "Ed25519"])
    func algorithms(name: String) {
        #expect(fault(token(header: header(alg: name), claims: claims())) == nil)
        let other = #"{"kid":"\#(signer.keyID)","alg":"\#(name)","typ":"wgm-at+jwt"}"#
        #expect(fault(token(header: other, claims: claims())) == nil)
    }

    @Test(
        "no other algorithm is accepted, though the signature be right",
        arguments: [
            "none", "None", "NONE", "HS256", "RS256", "ES256", "eddsa", "EDDSA", "Ed448", "", "EdDSA ", "ed25519",
        ]
    )
    func otherAlgorithms(name: String) {
        #expect(fault(token(header: header(alg: name), claims: claims())) == .header)
    }

    @Test("a token without signature is refused", arguments: ["none", "EdDSA"])
    func unsigned(algorithm: String) {
        let input =
            Base64.encode(Array(header(alg: algorithm).utf8), variant: .url) + "."
            + Base64.encode(Array(claims().utf8), variant: .url)
        #expect(fault(input + ".") != nil)
        #expect(fault(input) == .malformed)
        #expect(fault(input + "." + Base64.encode([UInt8](repeating: 0, count: 64), variant: .url)) != nil)
    }

    @Test(
        "a header with anything more or less is refused",
        arguments: [
            #","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}"#, #","jku":"https://example.org""#,
            #","x5u":"https://example.org""#,
            #","x5c":[]"#, #","crit":["exp"]"#, #","b64":false"#, #","zip":"DEF""#, #","cty":"JWT""#,
            #","typ":"wgm-at+jwt""#,
            #","alg":"none""#, #","kid":"other""#, #","\u0061lg":"none""#,
        ]
    )
    func headerMembers(more: String) {
        #expect(fault(token(header: header(more: more), claims: claims())) == .header)
    }

    @Test(
        "a header of another kind is refused",
        arguments: [
            "{}", "[]", "\"\"", "1", "{\"alg\":\"EdDSA\"}",
            "{\"typ\":\"JWT\",\"alg\":\"EdDSA\",\"kid\":\"testkey000000000\"}",
            "{\"typ\":\"wgm-at+jwt\",\"alg\":[\"EdDSA\"],\"kid\":\"testkey000000000\"}",
            "{\"typ\":\"wgm-at+jwt\",\"alg\":\"EdDSA\"}", "{\"typ\":\"wgm-at+jwt\",\"alg\":\"EdDSA\",\"kid\":1}",
        ]
    )
    func headerKinds(text: String) {
        #expect(fault(token(header: text, claims: claims())) == .header)
    }

    @Test(
        "a key id that is not ours is refused",
        arguments: ["", "other", "../keys", "testkey000000000 ", "TESTKEY000000000"]
    )
    func keyIDs(keyID: String) {
        #expect(fault(token(header: header(kid: keyID), claims: claims())) == .unknownKey)
    }

    @Test("another key's signature is refused, whatever its id says")
    func otherKey() {
        let other = TestSigner(keyID: signer.keyID)
        let input =
            Base64.encode(Array(header().utf8), variant: .url) + "."
            + Base64.encode(Array(claims().utf8), variant: .url)
        let forged = input + "." + Base64.encode(other.sign(Array(input.utf8)), variant: .url)
        #expect(fault(forged) == .signature)
    }

    @Test("a token stays good when the keeper signs nothing any more")
    func sealedKeeper() {
        let signed = token(header: header(), claims: claims())
        keys.useNone()
        #expect(fault(signed) == nil)
        #expect(keys.current == nil)
    }

    @Test("a removed key's tokens are refused, an older key's are not until then")
    func rotation() {
        let old = token(header: header(), claims: claims())
        let new = TestSigner(keyID: "newkey")
        keys.use(keyID: new.keyID, publicKey: new.publicKey)
        #expect(keys.current == "newkey")
        #expect(fault(old) == nil)
        keys.remove(keyID: signer.keyID)
        #expect(fault(old) == .unknownKey)
    }

    @Test(
        "claims that are missing, of another kind or malformed are refused",
        arguments: [
            ("iss", ""), ("iss", "1"), ("aud", ""), ("aud", #""other""#), ("aud", #"["wgm"]"#), ("sub", ""),
            ("sub", #""""#),
            ("sub", #""a/b""#), ("sub", #""*""#), ("sub", "7"), ("jti", ""), ("jti", #""short""#),
            ("jti", #""AAAAAAAAAAAAAAAAAAAAAB""#), ("jti", "1"), ("iat", ""), ("iat", "\"1800000000\""),
            ("iat", "1800000000.0"),
            ("iat", "1.8e9"), ("iat", "-1"), ("iat", "0"), ("nbf", ""), ("nbf", "true"), ("exp", ""),
            ("exp", "1800000900.5"),
            ("exp", "99999999999999999999"), ("exp", "null"), ("cnf", ""), ("cnf", "{}"), ("cnf", #"{"uid":-1}"#),
            ("cnf", #"{"uid":4294967296}"#), ("cnf", #"{"uid":"1000"}"#), ("cnf", #"{"uid":1000,"x5t#S256":"AA"}"#),
            ("cnf", #"{"x5t#S256":"AA"}"#), ("cnf", "1000"), ("scp", ""), ("scp", "{}"), ("scp", #"["**"]"#),
            ("scp", #"[{"r":"**"}]"#), ("scp", #"[{"v":["get"]}]"#), ("scp", #"[{"r":"**","v":[]}]"#),
            ("scp", #"[{"r":"**","v":"get"}]"#), ("scp", #"[{"r":"**","v":["fly"]}]"#),
            ("scp", #"[{"r":"**","v":[1]}]"#),
            ("scp", #"[{"r":"**/a","v":["get"]}]"#), ("scp", #"[{"r":"","v":["get"]}]"#),
            ("scp", #"[{"r":"**","v":["get"],"c":{"src":"10.0.0.0/8"}}]"#),
        ]
    )
    func badClaims(name: String, value: String) {
        #expect(fault(token(header: header(), claims: claims([name: value]))) == .claims)
    }

    @Test(
        "claims with an unknown or second member are refused",
        arguments: [
            #","adm":true"#, #","exp":1900000000"#, #","sub":"root""#, #","scp":[]"#, #","\u0065xp":1900000000"#,
        ]
    )
    func moreClaims(more: String) {
        #expect(fault(token(header: header(), claims: claims(more: more))) == .claims)
    }

    @Test("claims nested too deep, or too long, are refused")
    func limits() {
        let deep = #","x":[[[[[[1]]]]]]"#
        #expect(fault(token(header: header(), claims: claims(more: deep))) == .claims)
        let long = #","x":"\#(String(repeating: "a", count: 4096))""#
        #expect(fault(token(header: header(), claims: claims(more: long))) == .tooLong)
        #expect(fault(String(repeating: "a", count: 4097)) == .tooLong)
        #expect(fault(String(repeating: ".", count: 4096)) == .malformed)
    }

    @Test("a token of another node is refused", arguments: [#""wgm:n2""#, #""n1""#, #""wgm:N1""#, #""""#])
    func issuer(text: String) {
        #expect(fault(token(header: header(), claims: claims(["iss": text]))) == .otherNode)
    }

    @Test("times are held against the clock, with 30 seconds for a clock that is ahead")
    func times() {
        func fault(iat: Int64, nbf: Int64, exp: Int64) -> TokenFault? {
            let seconds = Self.now.seconds
            let changes = ["iat": "\(seconds + iat)", "nbf": "\(seconds + nbf)", "exp": "\(seconds + exp)"]
            return self.fault(token(header: header(), claims: claims(changes)))
        }
        #expect(fault(iat: 30, nbf: 30, exp: 900) == nil)
        #expect(fault(iat: 31, nbf: 31, exp: 900) == .notYetValid)
        #expect(fault(iat: 0, nbf: 31, exp: 900) == .notYetValid)
        #expect(fault(iat: -900, nbf: -900, exp: 1) == nil)
        #expect(fault(iat: -900, nbf: -900, exp: 0) == .expired)
        #expect(fault(iat: -900, nbf: -900, exp: -1) == .expired)
        #expect(fault(iat: 0, nbf: 0, exp: 86_400) == nil)
        #expect(fault(iat: 0, nbf: 0, exp: 86_401) == .lifetime)
        #expect(fault(iat: 0, nbf: -1, exp: 900) == .claims)
        #expect(fault(iat: 0, nbf: 0, exp: 0) == .claims)
    }

    @Test(
        "times at the ends of the number line do no harm",
        arguments: ["9223372036854775807", "-9223372036854775808"]
    )
    func extremeTimes(text: String) {
        for name in ["iat", "nbf", "exp"] {
            #expect(fault(token(header: header(), claims: claims([name: text]))) != nil)
        }
        #expect(fault(token(header: header(), claims: claims(["iat": text, "nbf": text, "exp": text]))) != nil)
    }

    @Test("base64url that is not canonical is refused")
    func canonical() {
        let good = token(header: header(), claims: claims())
        #expect(fault(good) == nil)
        let parts = good.split(separator: ".").map(String.init)
        for index in 0..<3 {
            for part in [
                parts[index] + "=", parts[index] + "==", " " + parts[index], parts[index] + "\n", parts[index] + "A",
            ] {
                var changed = parts
                changed[index] = part
                #expect(fault(changed.joined(separator: ".")) != nil)
            }
        }
        // 64 bytes leave two unused bits in the last character: each of its three other values means the same bytes.
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let last = good.last.flatMap { alphabet.firstIndex(of: $0) } ?? 0
        for bits in 1...15 where last + bits < 64 {
            #expect(fault(String(good.dropLast()) + String(alphabet[last + bits])) != nil)
        }
        #expect(fault(good + ".") == .malformed)
        #expect(fault("." + good) == .malformed)
        #expect(fault(good + "." + parts[2]) == .malformed)
    }

    @Test("of 100 000 changed tokens none is accepted")
    func mutations() {
        let good = Array(token(header: header(), claims: claims()).utf8)
        #expect(fault(String(decoding: good, as: UTF8.self)) == nil)
        var random = Xorshift(state: 0xDEAD_BEEF)
        var accepted: [String] = []
        for _ in 0..<100_000 {
            var bytes = good
            for _ in 0...random.below(2) { Self.mutate(&bytes, &random) }
            guard bytes != good else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            if fault(text) == nil { accepted.append(text) }
        }
        #expect(accepted == [])
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout Xorshift) {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=".utf8)
        guard !bytes.isEmpty else { return }
        let place = random.below(bytes.count)
        switch random.below(6) {
        case 0: bytes[place] = alphabet[random.below(alphabet.count)]
        case 1: bytes[place] ^= UInt8(1 << random.below(8))
        case 2: bytes.insert(alphabet[random.below(alphabet.count)], at: place)
        case 3: bytes.remove(at: place)
        case 4: bytes.swapAt(place, random.below(bytes.count))
        default: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
        }
    }
}
