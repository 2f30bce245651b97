// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMConfigFile
import WGMModel

@Suite("The corpus of wg-quick files")
struct CorpusTests {
    @Test("holds at least sixty files")
    func size() { #expect(CorpusFile.all.count >= 60) }

    @Test("is read as each file's expectation says, mistakes with line and column", arguments: CorpusFile.all)
    func reading(_ file: CorpusFile) throws {
        let reading = Reading(try file.bytes())
        #expect(reading.isAccepted == file.isAccepted)
        #expect(reading.report == (try file.expected()))
    }

    @Test("is the same after it was written and read again", arguments: CorpusFile.all.filter(\.isAccepted))
    func roundTrip(_ file: CorpusFile) throws {
        let bytes = try file.bytes()
        let first = try ConfigurationParser.parse(bytes.span)
        let written = first.exported(from: bytes)
        let second = try ConfigurationParser.parse(written.span)
        #expect(second.meaning(written) == first.meaning(bytes))
        #expect(second.exported(from: written) == written)
        #expect(second.warnings.isEmpty)
    }

    @Test("cut off at any byte is read or refused, and never more")
    func cutOff() throws {
        for file in CorpusFile.all {
            let bytes = try file.bytes()
            for length in bytes.indices { _ = Reading(Array(bytes[..<length])) }
        }
    }

    @Test("a file of 10 000 peers is read, written and read again")
    func manyPeers() throws {
        let bytes = GeneratedFile.bytes(peers: 10_000)
        let first = try ConfigurationParser.parse(bytes.span)
        #expect(first.peers.count == 10_000)
        #expect(first.peers[9_999].name?.value == "peer 9999")
        #expect(
            first.peers[9_999].allowedAddresses.map(\.value) == [IPPrefix("10.39.15.2/32"), IPPrefix("fd00::270f/128")]
        )
        let written = first.exported(from: bytes)
        let second = try ConfigurationParser.parse(written.span)
        #expect(second.meaning(written) == first.meaning(bytes))
        var names = PeerNames()
        let unique = Set(
            first.peers.compactMap { peer in
                peer.publicKey.map { names.name(from: "phone", key: $0.value) }
            }
        )
        #expect(unique.count == 10_000)
    }

    @Test("of a hundred thousand mistakes a thousand are listed and all are counted")
    func manyMistakes() {
        let bytes = [UInt8](String(repeating: "nonsense\n", count: 100_000).utf8)
        guard case .refused(let mistakes) = Reading(bytes) else {
            Issue.record("nonsense was accepted")
            return
        }
        #expect(mistakes.findings.count == 1000)
        #expect(mistakes.leftOut == 99_000)
    }

    @Test(
        "no word about a mistake repeats what could be a key",
        arguments: [
            "[Interface]\nPrivatKey = SECRETSECRET\n", "[Interface]\nPrivateKey = SECRETSECRET\n",
            "[Interface]\nPrivateKey SECRETSECRET\n", "[Peer]\nPresharedKey: SECRETSECRET\n", "SECRETSECRET\n",
            "[SECRETSECRET]\n", "[Interface]\nPrivateKey == SECRETSECRET\n", "[Peer]\nPublicKey = SECRETSECRET\n",
        ]
    )
    func noSecretInWords(_ text: String) {
        let report = Reading(Array(text.utf8)).report
        #expect(report.contains("error"))
        #expect(!report.contains("SECRETSECRET"))
    }
}

/// Files that are too large to be kept.
enum GeneratedFile {
    static func bytes(peers: Int) -> [UInt8] {
        var text = "[Interface]\nPrivateKey = \(key(0))\nListenPort = 51820\nAddress = 10.0.0.1/8, fd00::1/64\n"
        for number in 0..<peers {
            text += """

                # Name = peer \(number)
                [Peer]
                PublicKey = \(key(number + 1))
                AllowedIPs = 10.\(number >> 8).\(number & 255).2/32, fd00::\(String(number, radix: 16))/128

                """
        }
        return Array(text.utf8)
    }

    private static func key(_ number: Int) -> String {
        var bytes = [UInt8](repeating: 7, count: 32)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return Base64.encode(bytes, variant: .standard)
    }
}
