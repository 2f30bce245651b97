// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

extension TopModel.SortKey: ExpressibleByArgument {}

/// `wgmctl top`.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show peers on a live screen: rates, totals, handshakes, states.",
        discussion: """
            Keys: q quits; r, t, h, s, n sort by rate, total, handshake, state, name, R reverses; / filters, Enter keeps the \
            filter, Escape drops it; j, k, arrows and space scroll.


            """
                + Wgmctl.examples(
                    "wgmctl top",
                    "wgmctl top wg0 --sort handshake --interval 5s",
                    "wgmctl top --once",
                    "wgmctl top --json --count 10"
                )
    )

    /// How long a key may wait.
    private static let keyInterval: Duration = .milliseconds(50)

    @Argument(help: "The interface; all if not said.", completion: Completion.interfaces)
    var interface: String?

    @Option(help: .init("How often the figures are taken, 1s to 1h.", valueName: "time"))
    var interval = TimeSpan(seconds: 2)

    @Option(help: .init("What comes first.", valueName: "key"))
    var sort = TopModel.SortKey.rate

    @Option(help: .init("Only peers with this in name, interface or endpoint.", valueName: "text"))
    var filter: String?

    @Flag(help: "Print one frame, without control codes, when there are rates, and end.")
    var once = false

    @Flag(help: "Print samples instead, one JSON object a line, as -o json.")
    var json = false

    @Option(help: .init("End after so many samples; with --json.", valueName: "number"))
    var count: Int?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    private var asJSON: Bool { json || global.output == .json }

    func validate() throws {
        try interval.checkSampling()
        guard count ?? 1 > 0 else { throw ValidationError("--count must be 1 or more") }
        guard count == nil || asJSON else { throw ValidationError("--count belongs to --json") }
        guard !(once && asJSON) else { throw ValidationError("--once and --json exclude each other") }
        guard global.output != .yaml else { throw ValidationError("top prints text or JSON, not YAML") }
    }

    func run() throws {
        var following = Following(options: global, request: request)
        var model = TopModel()
        model.sortKey = sort
        model.filter = filter ?? ""
        if asJSON {
            try printSamples(following)
        } else if once {
            try printFrame(following, &model)
        } else {
            following.interval = Self.keyInterval
            try showScreen(following, &model)
        }
    }

    private var request: V1.WatchRequest {
        var request = V1.WatchRequest(interface: interface, kinds: [.sample])
        request.intervalMs = interval.milliseconds
        return request
    }

    private func printSamples(_ following: Following) throws {
        var left = count ?? .max
        try following.run(interrupted: { _ in }) { response in
            guard let response, response.sample != nil else { return true }
            try Console.write(raw: (WatchedEvent(response).document ?? .absent).jsonLine + "\n")
            if response.sample?.more != true { left -= 1 }
            return left > 0
        }
    }

    private func printFrame(_ following: Following, _ model: inout TopModel) throws {
        var frame = model
        let end = Moment.now() + .seconds(Int64(interval.seconds) * 2 + 10)
        try following.run(interrupted: { _ in }) { response in
            if let sample = response?.sample { frame.take(sample) }
            return !frame.hasRates && Moment.now() < end
        }
        let lines = TopScreen(hasUnicode: Terminal.hasUnicode).lines(frame, now: .now)
        try Console.write(raw: lines.map { $0 + "\n" }.joined())
    }

    private func showScreen(_ following: Following, _ model: inout TopModel) throws {
        var shown = model
        var keys = TopKeys()
        var screen = TopScreen(hasUnicode: Terminal.hasUnicode)
        var trouble: String?
        let terminal = try Terminal()
        var isDue = true
        try following.run { interruption in
            if case .lost(let failure) = interruption { trouble = failure.message } else { trouble = nil }
            isDue = true
        } each: { response in
            if let sample = response?.sample {
                shown.take(sample)
                isDue = isDue || sample.more != true
            }
            let size = terminal.size
            guard let typed = terminal.typed() else { return false }
            let wasTyped = keys.take(typed, &shown, page: size.height - TopScreen.frameLines)
            if keys.isOver { return false }
            let isAnew = terminal.resumed() || screen.width != size.width || screen.height != size.height
            guard isDue || wasTyped || isAnew else { return true }
            isDue = false
            (screen.width, screen.height, screen.offset) = (size.width, size.height, keys.offset)
            (screen.prompt, screen.trouble) = (keys.typing, trouble)
            try terminal.draw(screen.lines(shown, now: .now))
            return true
        }
    }
}
