// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMKeys
import WGMModel

@testable import wgmctl

@Suite("QR codes")
struct QRCodeTests {
    private static func code(_ text: String) throws -> QRCode {
        var secret = try SecretText(capacity: text.utf8.count)
        try secret.append(text)
        return try QRCode(secret)
    }

    /// What a terminal shows, as a picture (PGM) of `scale` pixels per module.
    static func picture(_ text: String, scale: Int = 6) -> Data {
        var rows: [[Bool]] = []
        for line in text.split(separator: "\n") {
            rows.append(line.map { $0 == "█" || $0 == "▀" })
            rows.append(line.map { $0 == "█" || $0 == "▄" })
        }
        let width = rows[0].count * scale
        var data = Data("P5\n\(width) \(rows.count * scale)\n255\n".utf8)
        for row in rows {
            let line = row.flatMap { [UInt8](repeating: $0 ? 255 : 0, count: scale) }
            for _ in 0..<scale { data.append(contentsOf: line) }
        }
        return data
    }

    static func scanned(_ picture: Data) throws -> Run {
        let folder = try Folder()
        try picture.write(to: URL(fileURLWithPath: folder.file("code.pgm")))
        return try Run.program(["zbarimg", "--raw", "--quiet", "-Sdisable", "-Sqrcode.enable", folder.file("code.pgm")])
    }

    @Test("A scanner reads the whole configuration")
    func scan() throws {
        let key = try PrivateKey.generate()
        let reply = Samples.configuration(publicKey: key.publicKey.description)
        let configuration = try PeerConfiguration(reply, interface: "wg0", peer: "anna")
        let text = try configuration.text(.key(key), .absent, commented: false)
        let run = try Self.scanned(Self.picture(QRCode(text).text(styled: false)))
        #expect(run.status == 0, "\(run.errors)")
        let copy = text.copy
        #expect(run.output.trimmed == copy.trimmed)
        #expect(!copy.contains("#"))
    }

    @Test("Codes of every size are read", arguments: [1, 40, 300, 1000, 2000])
    func sizes(length: Int) throws {
        let text = String((0..<length).map { Character(Unicode.Scalar(UInt8(97 + $0 % 26))) })
        #expect(try Self.scanned(Self.picture(Self.code(text).text(styled: false))).output.trimmed == text)
    }

    @Test("Four light modules stand on every side")
    func quietZone() throws {
        let code = try Self.code("hello")
        let lines = code.text(styled: false).split(separator: "\n")
        #expect(lines[0].allSatisfy { $0 == "█" } && lines[1].allSatisfy { $0 == "█" })
        #expect(lines.allSatisfy { $0.hasPrefix("████") && $0.hasSuffix("████") || $0 == lines.last })
        #expect(lines.allSatisfy { $0.count == code.width + 8 })
        #expect(lines.count == (code.width + 9) / 2)
    }

    @Test("On a terminal the colours do not depend on the terminal's")
    func styled() throws {
        let code = try Self.code("hello")
        let plain = code.text(styled: false).split(separator: "\n")
        let styled = code.text(styled: true).split(separator: "\n")
        #expect(styled == plain.map { "\u{1b}[97;40m\($0)\u{1b}[0m" })
    }

    @Test("What is too long for a code is refused")
    func tooLong() {
        #expect(throws: Failure.self) { try Self.code(String(repeating: "a", count: 2954)) }
    }
}
