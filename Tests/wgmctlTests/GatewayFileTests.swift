// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMGatewayFile
import WGMWire

@testable import wgmctl

@Suite("Gateway file")
struct GatewayFileTests {
    private func read(_ text: String) throws(FileMistake) -> GatewayFile { try GatewayFile(Array(text.utf8)) }

    /// The mistake behind which nothing can be read.
    private func fault(_ text: String) -> FileMistake? {
        do throws(FileMistake) {
            _ = try read(text)
            return nil
        } catch { return error }
    }

    @Test(
        "A key with nothing behind it is not taken for an empty list, which --prune would make true",
        arguments: [
            "version: 1\ninterfaces:", "version: 1\ninterfaces: null\n",
            "version: 1\ninterfaces:\n  wg0:\n    peers:\n",
        ]
    )
    func cut(text: String) throws {
        #expect(try read(text).mistakes.map(\.words).allSatisfy { $0.contains("{} says that there are none") })
        #expect(try read(text).mistakes.count == 1)
        #expect(try read(text.replacing("interfaces:\n", with: "interfaces: \n") + " ").mistakes.count == 1)
    }

    @Test("A byte order mark before the text is passed over")
    func byteOrderMark() throws {
        let file = try GatewayFile([0xef, 0xbb, 0xbf] + Array("version: 1\ninterfaces: {wg0: {}}\n".utf8))
        #expect(file.mistakes.isEmpty && file.objects.map(\.interface) == ["wg0"])
    }

    @Test("Objects come in the order of the file, with the place of each value")
    func objects() throws {
        let file = try read(
            """
            # comment
            version: 1
            interfaces:
              wg0:
                mtu: 1400      # bytes
                dns: [ "2001:db8::53",
                       192.0.2.53 ]
                endpoint: ~
                peers:
                  "null": { comment: 'it''s', public_key: x }
                  bob: {}
              wg1: {up: false}
            """
        )
        #expect(file.mistakes.isEmpty)
        #expect(
            file.objects == [
                V1.FileObject(
                    interface: "wg0",
                    attributes: [
                        V1.FileAttribute(name: "mtu", form: .text, values: ["1400"]),
                        V1.FileAttribute(name: "dns", form: .list, values: ["2001:db8::53", "192.0.2.53"]),
                        V1.FileAttribute(name: "endpoint", form: .null),
                    ],
                    listsPeers: true
                ),
                V1.FileObject(
                    interface: "wg0",
                    peer: "null",
                    attributes: [
                        V1.FileAttribute(name: "comment", form: .text, values: ["it's"]),
                        V1.FileAttribute(name: "public_key", form: .text, values: ["x"]),
                    ]
                ),
                V1.FileObject(interface: "wg0", peer: "bob"),
                V1.FileObject(
                    interface: "wg1",
                    attributes: [V1.FileAttribute(name: "up", form: .text, values: ["false"])]
                ),
            ]
        )
        #expect(file.mark(object: 0, attribute: 1, value: 1) == FileMark(line: 7, column: 12))
        #expect(file.mark(object: 0, attribute: 0, value: nil) == FileMark(line: 5, column: 10))
        #expect(file.mark(object: 1, attribute: nil, value: nil) == FileMark(line: 10, column: 7))
        #expect(file.name(object: 1, attribute: 1) == "wg0 null public_key")
    }

    @Test("Every mistake is listed with its place, and the daemon's among them in the order of the file")
    func mistakes() throws {
        let file = try read(
            """
            version: 2
            interface: {}
            interfaces:
              wg0:
                mtu: 1400
                mtu: 1500
                dns: [[a], null]
                peers:
                  anna:
                  bob: {keepalive_s: 7}
                  bob: {}
                  eve: {allowed_addresses: {a: 1}}
            """
        )
        var plan = V1.PlanResponse(problems: [V1.FileProblem(object: 2, attribute: 0, rule: "too much")])
        plan.problemCount = 3
        let failure = try #require(file.failure(path: "g.yaml", plan))
        #expect(failure.status == .invalidArgument && failure.hint == "2 more are wrong")
        #expect(
            failure.violations.map { "\($0.field): \($0.rule)" } == [
                "line 1, column 10: this wgmctl reads version 1",
                "line 2, column 1: interface is not known here; did you mean interfaces?",
                "line 6, column 5: mtu is in line 5 already",
                "line 7, column 11: a list holds values only",
                "line 7, column 16: null is no element of a list",
                "line 9, column 12: the peer anna is null or a value; {} leaves it as it is, and leaving it out with "
                    + "--prune deletes it",
                "line 10, column 26 (wg0 bob keepalive_s): too much",
                "line 11, column 7: bob is in line 10 already",
                "line 12, column 13: allowed_addresses is a value or a list",
            ]
        )
    }

    @Test(
        "What cannot be read says where",
        arguments: [
            ("", "a gateway file begins with `version: 1`"),
            ("- a\n", "a gateway file begins with `version: 1`"),
            ("version: 1\n---\nversion: 1\n", "a gateway file is one document"),
            ("version: 1\ninterfaces: [", "this is no YAML"),
            ("version: 1\n\tinterfaces: {}", "this is no YAML"),
            ("version: &a 1\n", "anchors and aliases are not taken here"),
            ("version: 1\ninterfaces: *a\n", "anchors and aliases are not taken here"),
            ("version: !!int 1\n", "tags are not taken here"),
            ("version: 1\ninterfaces: {wg0: \u{0}}", "this is no YAML"),
        ]
    )
    func unreadable(_ text: String, _ words: String) throws {
        let found = try #require(fault(text))
        #expect(found.words.hasPrefix(words), "\(found.words)")
    }

    @Test("Bombs do not go off: aliases, deep nesting, long texts and files that are no text")
    func bombs() throws {
        let aliases = "version: 1\na: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"
        #expect(fault(aliases)?.words == "anchors and aliases are not taken here")
        for (open, count) in [("[", 100_000), ("{a: ", 100_000), ("- ", 20_000)] {
            let text = "version: 1\nx:\n  " + String(repeating: open, count: count)
            #expect(fault(text) != nil)
        }
        let long = "version: 1\ninterfaces: {wg0: {endpoint: \(String(repeating: "x", count: 1 << 20))}}"
        #expect(fault(long)?.words == "a text of more than 4096 bytes")
        #expect(throws: FileMistake.self) { try GatewayFile([UInt8](repeating: 0xff, count: 1 << 16)) }
        let letters = Array("version: 1\ninterfaces{}[]-#&*!|>'\"%@` \t\r\n~".utf8)
        var seed: UInt64 = 7
        for _ in 0..<500 {
            let bytes = (0..<200).map { _ in
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return letters[Int(seed >> 33) % letters.count]
            }
            // Whatever it is, it comes back.
            _ = try? GatewayFile(Array("version: 1\ninterfaces: ".utf8) + bytes)
        }
    }

    @Test("What is exported is read back as the same objects, whatever the texts")
    func roundTrip() throws {
        let comments = Documents.texts.filter { !$0.isEmpty }
        let peers = comments.enumerated().map { index, text in
            V1.FileObject(
                interface: "wg0",
                peer: ["true", "123", "1e3", "a-b", "no"].indices.contains(index)
                    ? ["true", "123", "1e3", "a-b", "no"][index] : "p\(index)",
                attributes: [
                    V1.FileAttribute(name: "allowed_addresses", form: .list, values: ["fd00::/64", "10.0.0.0/8"]),
                    V1.FileAttribute(name: "keepalive_s", form: .number, values: ["25"]),
                    V1.FileAttribute(name: "comment", form: .text, values: [text]),
                ]
            )
        }
        let interface = V1.FileObject(
            interface: "wg0",
            attributes: [V1.FileAttribute(name: "up", form: .flag, values: ["false"])],
            listsPeers: true
        )
        let empty = V1.FileObject(interface: "wg1", listsPeers: true)
        let text = GatewayFileText(objects: [interface] + peers + [empty], revision: 7)
        let file = try read(text.yaml)
        #expect(file.mistakes.isEmpty)
        let plain = ([interface] + peers + [empty]).map { object in
            var object = object
            object.attributes = object.attributes.map { attribute in
                var attribute = attribute
                if attribute.form != .list { attribute.form = .text }
                return attribute
            }
            return object
        }
        #expect(file.objects == plain)
        // YAML knows no pairs of surrogates.
        let plainTexts = GatewayFileText(
            objects: ([interface] + peers + [empty]).filter { object in
                object.attributes.last?.values.first.map { $0.unicodeScalars.allSatisfy { $0.value < 0xffff } } ?? true
            }
        )
        let json = try read(plainTexts.document.json)
        #expect(json.mistakes.isEmpty && json.objects.count == plainTexts.objects.count)
        #expect(try read(GatewayFileText(objects: []).yaml).objects.isEmpty)
    }
}
