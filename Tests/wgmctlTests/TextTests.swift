// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMWire

@testable import wgmctl

@Suite("Text")
struct TextTests {
    @Test(
        "What could act on a terminal is escaped",
        arguments: [
            ("plain ümläut", "plain ümläut"), ("a\u{1b}[31mred", "a\\u{1b}[31mred"), ("two\nlines\t", "two\\nlines\\t"),
            ("\u{9b}2J", "\\u{9b}2J"), ("abc\u{202e}txt", "abc\\u{202e}txt"), ("\u{0}", "\\u{0}"),
            ("\u{2028}", "\\u{2028}"), ("\u{feff}", "\\u{feff}"), ("👩‍💻", "👩‍💻"),
        ]
    )
    func escapes(text: String, expected: String) {
        #expect(text.printable == expected)
    }

    @Test("A hostile name cannot break a table or JSON")
    func hostileName() throws {
        var peer = Samples.phone
        peer.name = "x\n\u{1b}]0;owned\u{7}\u{202e}\"\\"
        let list = PeerList(peers: [peer], now: Samples.now)
        let table = Console.render(list, as: .table, styled: false)
        #expect(table.split(separator: "\n").count == 2)
        let json = Console.render(list, as: .json, styled: false)
        #expect(json.contains(#""x\n\u001b]0;owned\u0007\u202e\"\\""#))
        for output in [table, json, Console.render(list, as: .yaml, styled: false)] {
            #expect(!output.unicodeScalars.contains { $0.isUnprintable && $0 != "\n" })
        }
    }

    @Test(
        "Columns are counted as a terminal shows them",
        arguments: [("abc", 3), ("äöü", 3), ("e\u{301}", 1), ("日本", 4), ("👍", 2), ("👩‍💻", 2), ("한글", 4), ("", 0)]
    )
    func width(text: String, expected: Int) {
        #expect(text.displayWidth == expected)
    }

    @Test("Wide characters keep the columns aligned")
    func wideColumns() {
        var table = Table([.init(title: "NAME"), .init(title: "X")])
        table.append(["日本", "1"])
        table.append(["abcde", "2"])
        #expect(table.rendered(styled: false) == "NAME   X\n日本   1\nabcde  2\n")
    }

    @Test(
        "Sizes are written with one decimal",
        arguments: [
            (UInt64(0), "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"),
            (1_503_238_553, "1.4 GiB"), (.max, "16.0 EiB"),
        ]
    )
    func sizes(count: UInt64, expected: String) {
        #expect(Words.bytes(count) == expected)
    }

    @Test(
        "Ages have one unit",
        arguments: [
            (Int64(0), "now"), (-5000, "now"), (12_000, "12 s ago"), (119_000, "1 min ago"), (7_200_000, "2 h ago"),
            (86_400_000, "1 day ago"), (864_000_000, "10 days ago"),
        ]
    )
    func ages(elapsed: Int64, expected: String) {
        let then = Timestamp(milliseconds: Samples.now.milliseconds - elapsed)
        #expect(Words.age(of: then, now: Samples.now) == expected)
    }

    @Test(
        "Times are RFC 3339",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"), (951_782_400_000, "2000-02-29T00:00:00Z"),
            (253_402_300_799_000, "9999-12-31T23:59:59Z"), (.max, "9999-12-31T23:59:59Z"),
        ]
    )
    func times(milliseconds: Int64, expected: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == expected)
    }

    @Test(
        "Times are read with their zone",
        arguments: [
            ("2023-11-14T22:13:20Z", Int64(1_700_000_000_000)), ("2023-11-14t23:13:20.5+01:00", 1_700_000_000_500),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
        ]
    )
    func readTimes(text: String, expected: Int64) {
        #expect(Timestamp(text)?.milliseconds == expected)
    }

    @Test(
        "What is no time is refused",
        arguments: [
            "", "2023-02-30T00:00:00Z", "2023-13-01T00:00:00Z", "1900-02-29T00:00:00Z", "2023-11-14T24:00:00Z",
            "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20+1:00", "-023-11-14T22:13:20Z",
            "2023-11-14T22:13:20.Z", "日本日本日本日本",
        ]
    )
    func refusedTimes(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(
        "Lengths of time have units",
        arguments: [("90", UInt32(90)), ("30s", 30), ("1h30m", 5400), ("7d", 604_800), ("0", 0)]
    )
    func spans(text: String, expected: UInt32) {
        #expect(TimeSpan(argument: text)?.seconds == expected)
    }

    @Test("Wrong lengths of time are refused", arguments: ["", "h", "1x", "1h30", "-5", "+5", "99999999999", "50000d"])
    func refusedSpans(text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }

    @Test("A grant is a resource and its verbs")
    func grants() {
        let grant = GrantText(argument: "node/*/interface/wg0/peer/* = get, list")
        #expect(grant?.resource == "node/*/interface/wg0/peer/*")
        #expect(grant?.verbs == ["get", "list"])
        for wrong in ["", "node", "=get", "node=", "node=get,,list"] { #expect(GrantText(argument: wrong) == nil) }
    }

    @Test("Only a stale read is noted, with its age and reason")
    func freshness() {
        let stale = V1.Freshness(asOfUnixMs: 1_699_999_988_000, stale: true, reason: "database is gone")
        #expect(Console.words(stale, now: Samples.now) == "state as of 12 s ago: database is gone")
        #expect(Console.words(V1.Freshness(asOfUnixMs: 0), now: Samples.now) == nil)
        #expect(Console.words(nil, now: Samples.now) == nil)
    }

    @Test("Options before the command are moved behind it")
    func leadingOptions() {
        #expect(LeadingOptions.movedBack(["-o", "json", "peer", "list"]) == ["peer", "list", "-o", "json"])
        #expect(LeadingOptions.movedBack(["--socket=/s", "status"]) == ["status", "--socket=/s"])
        #expect(
            LeadingOptions.movedBack(["--timeout", "1s", "peer", "show", "--", "a", "b"])
                == ["peer", "show", "--timeout", "1s", "--", "a", "b"]
        )
        for kept in [["peer", "-o", "json"], ["-o"], ["--help"], []] { #expect(LeadingOptions.movedBack(kept) == kept) }
        #expect(LeadingOptions.withoutValue(["--socket"]) == "--socket")
        #expect(LeadingOptions.withoutValue(["--help"]) == nil && LeadingOptions.withoutValue(["-o", "json"]) == nil)
    }

    @Test(
        "Another program's word for a command is answered with ours",
        arguments: [
            ("peer add wg0 anna", "hint: wgmctl peer create --help"),
            ("peer remove wg0 x", "hint: wgmctl peer delete --help"),
            ("peers list", "hint: wgmctl peer --help"), ("interface ls -o json", "hint: wgmctl interface list --help"),
            ("token show", "hint: wgmctl token has issue, list, revoke"),
        ]
    )
    func suggestions(line: String, hint: String) {
        let words = line.split(separator: " ").map(String.init)
        #expect(Suggestion.hint(for: words, known: Wgmctl.commandNames) == hint)
    }

    @Test(
        "A command that there is gets no hint",
        arguments: ["peer list", "peer create x", "status now", "", "nonsense"]
    )
    func noSuggestion(line: String) {
        let words = line.split(separator: " ").map(String.init)
        #expect(Suggestion.hint(for: words, known: Wgmctl.commandNames) == nil)
    }
}
