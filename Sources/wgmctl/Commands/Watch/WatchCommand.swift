// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// What can be watched, as it is typed.
enum WatchKindChoice: String, CaseIterable, ExpressibleByArgument, Sendable {
    case change, drift, state, sample

    var message: V1.EventKind {
        switch self {
        case .change: .change
        case .drift: .drift
        case .state: .state
        case .sample: .sample
        }
    }
}

/// `wgmctl watch`.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Print what happens, as it happens: changes, drift, peers that come and go.",
        discussion: """
            Shows what you may read. Goes on after a restart of the daemon, and misses no change then. Without --for and \
            --count it ends with Ctrl-C.


            """
                + Wgmctl.examples(
                    "wgmctl watch",
                    "wgmctl watch wg0 --kind drift --kind state",
                    "wgmctl watch --since 120 --json | jq .change",
                    "wgmctl watch --kind sample --interval 10s --for 1m"
                )
    )

    @Argument(help: "The interface; all if not said.", completion: Completion.interfaces)
    var interface: String?

    @Option(help: .init("Only events of this kind; may be repeated. All but samples if not said.", valueName: "kind"))
    var kind: [WatchKindChoice] = []

    @Option(help: .init("First the changes after this revision.", valueName: "revision"))
    var since: Int64?

    @Option(help: .init("Samples of the traffic at this interval, 1s to 1h.", valueName: "time"))
    var interval: TimeSpan?

    @Option(
        help: .init("End after so many events; a revision is one, with a line for each object.", valueName: "number")
    )
    var count: Int?

    @Option(name: .customLong("for"), help: .init("End after this time.", valueName: "time"))
    var period: TimeSpan?

    @Flag(help: "One JSON object a line, as -o json.")
    var json = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard count ?? 1 > 0 else { throw ValidationError("--count must be 1 or more") }
        guard since ?? 0 >= 0 else { throw ValidationError("--since must be the number of a revision") }
        guard global.output != .yaml else { throw ValidationError("watch prints text or JSON, not YAML") }
        try interval?.checkSampling()
    }

    func run() throws {
        let asJSON = json || global.output == .json
        let end = period.map { Moment.now() + .seconds(Int64($0.seconds)) } ?? .never
        var lines = WatchLines()
        var left = count ?? .max
        let following = Following(options: global, request: request)
        try following.run(interrupted: Self.note) { response in
            if let response {
                let event = WatchedEvent(response)
                let text = asJSON ? event.document.map { $0.jsonLine + "\n" } ?? "" : lines.text(of: event)
                if !text.isEmpty {
                    try Console.write(raw: text)
                    left -= 1
                }
            }
            return left > 0 && Moment.now() < end
        }
    }

    private var request: V1.WatchRequest {
        var request = V1.WatchRequest(interface: interface, kinds: kind.map(\.message), since: since)
        request.intervalMs = interval?.milliseconds
        // An interval is a wish for samples, besides the kinds that are named.
        if interval != nil, !kind.isEmpty, !kind.contains(.sample) { request.kinds.append(.sample) }
        return request
    }

    private static func note(_ interruption: Following.Interruption) {
        switch interruption {
        case .lost(let failure): Console.note("\(failure.message); waiting for wgmd")
        case .back: Console.note("connected again")
        case .missed: Console.warn("the history does not reach back to the last event: changes may be missing here")
        }
    }
}

extension TimeSpan {
    var milliseconds: UInt32 { UInt32(clamping: UInt64(seconds) * 1000) }

    func checkSampling() throws {
        guard (1...3600).contains(seconds) else { throw ValidationError("--interval must be 1s to 1h") }
    }
}
