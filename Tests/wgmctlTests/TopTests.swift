// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMWire

@testable import wgmctl

@Suite("The live screen")
struct TopTests {
    private func sample(_ seconds: Int64, _ peers: (String, UInt64, UInt64)..., more: Bool? = nil) -> V1.InterfaceSample
    {
        V1.InterfaceSample(
            interface: "wg0",
            observedUnixMs: seconds * 1000,
            peers: peers.map {
                V1.PeerSample(
                    name: $0.0,
                    enabled: true,
                    present: true,
                    totalReceivedBytes: $0.1,
                    totalSentBytes: $0.2,
                    state: .up
                )
            },
            more: more
        )
    }

    private func names(_ model: TopModel) -> [String] { model.shown.map(\.name) }

    @Test("Rates are bytes by the time between two looks at the kernel, and none when it has begun to count anew")
    func rates() throws {
        var model = TopModel()
        model.take(sample(10, ("alice", 1000, 500)))
        #expect(!model.hasRates && model.shown.first?.receiving == nil)
        model.take(sample(12, ("alice", 5000, 500)))
        #expect(model.hasRates && model.shown.first?.receiving == 2000 && model.shown.first?.sending == 0)
        model.take(sample(12, ("alice", 5000, 500)))
        #expect(model.shown.first?.receiving == 2000 && model.shown.first?.history == [2000])
        model.take(sample(14, ("alice", 10, 500)))
        #expect(model.shown.first?.receiving == nil)
        for second in 0..<100 { model.take(sample(20 + Int64(second), ("alice", 100, 500))) }
        #expect(model.shown.first?.history.count == TopModel.historyLength)
    }

    @Test("A sample in parts is taken as a whole, and who is not in it is gone")
    func parts() {
        var model = TopModel()
        model.take(sample(1, ("alice", 0, 0), ("bob", 0, 0)))
        model.take(sample(2, ("alice", 0, 0), more: true))
        #expect(names(model) == ["alice", "bob"])
        model.take(sample(2, ("carol", 0, 0)))
        #expect(names(model) == ["alice", "carol"])
    }

    @Test("Peers are sorted by what is wanted, by name where that is equal, and filtered")
    func order() {
        var model = TopModel()
        model.take(sample(1, ("alice", 0, 900), ("bob", 500, 0), ("carol", 0, 0)))
        model.take(sample(2, ("alice", 10, 900), ("bob", 500, 0), ("carol", 90, 0)))
        #expect(names(model) == ["carol", "alice", "bob"])
        model.sortKey = .total
        #expect(names(model) == ["alice", "bob", "carol"])
        model.isReversed = true
        #expect(names(model) == ["carol", "bob", "alice"])
        model.filter = "O"
        model.sortKey = .name
        #expect(names(model) == ["carol", "bob"])
    }

    @Test("Keys sort, filter, scroll and quit, and a filter is typed and not obeyed")
    func keys() {
        var model = TopModel()
        model.take(sample(1, ("alice", 0, 0), ("bob", 0, 0), ("quentin", 0, 0)))
        var keys = TopKeys()
        func type(_ text: String) { _ = keys.take(Array(text.utf8), &model, page: 2) }
        type("n")
        #expect(model.sortKey == .name)
        type("/q")
        #expect(!keys.isOver && model.filter == "q" && keys.typing == "q" && names(model) == ["quentin"])
        type("xü\u{7f}\u{7f}\r")
        #expect(model.filter == "q" && keys.typing == nil)
        type("\u{1b}")
        #expect(model.filter.isEmpty)
        type("jj")
        #expect(keys.offset == 2)
        type("\u{1b}[A\u{1b}[5~\u{1b}[5~")
        #expect(keys.offset == 0)
        type("\u{1b}[1;5D\u{0}")
        type("q")
        #expect(keys.isOver)
    }

    @Test(
        "Names, endpoints and failures of somebody hostile put no control code on the screen, and nothing is wider than it"
    )
    func hostile() {
        let evil = "\u{1b}]0;x\u{7}\u{1b}[2J\n\r\u{202e}\u{9b}31m宽"
        var model = TopModel()
        var bad = sample(1, (evil, 1, 1))
        bad.interface = evil
        bad.peers[0].endpoint = evil
        model.take(bad)
        model.filter = "宽"
        for (width, height) in [(200, 20), (40, 6), (7, 3), (1, 1)] {
            let screen = TopScreen(width: width, height: height, prompt: evil, trouble: evil)
            let lines = screen.lines(model, now: Timestamp(milliseconds: 0))
            #expect(lines.count == height)
            #expect(lines.allSatisfy { $0.displayWidth <= width })
            #expect(!lines.joined().unicodeScalars.contains { $0.isUnprintable })
        }
        let event = V1.WatchResponse(
            revision: 1,
            change: V1.RevisionEvent(
                revision: V1.Revision(number: 1, principal: evil, reason: evil),
                objects: [
                    V1.ChangedObject(interface: evil, peer: evil, attributes: [.init(attribute: evil, after: evil)])
                ]
            )
        )
        var lines = WatchLines()
        let text = lines.text(of: WatchedEvent(event))
        #expect(text.split(separator: "\n").count == 1)
        #expect(!text.dropLast().unicodeScalars.contains { $0.isUnprintable })
        #expect(WatchedEvent(event).document?.jsonLine.unicodeScalars.contains { $0.isUnprintable } == false)
    }

    @Test("The line of rates has the height that each had against the largest")
    func sparkline() {
        let screen = TopScreen()
        #expect(screen.sparkline([0, 50, 100]).hasSuffix("▁▅█"))
        #expect(screen.sparkline([0, 0]).hasSuffix(" ▁▁"))
        #expect(TopScreen(hasUnicode: false).sparkline([0, 100]).unicodeScalars.allSatisfy { $0.isASCII })
        #expect(screen.sparkline([]).count == TopModel.historyLength)
    }

    @Test("A document on one line is the same document")
    func oneLine() {
        let document = Document.object(["b": .list([.number(1), .absent, .flag(true)]), "a": .text("x\"\n")])
        #expect(document.jsonLine == #"{"a":"x\"\n","b":[1,null,true]}"#)
    }
}
