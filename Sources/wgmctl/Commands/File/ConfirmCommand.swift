// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl confirm`.
struct ConfirmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Keep a change that was made with --confirm.",
        discussion: """
            Until then, or until its time is over and it is undone, interfaces and peers cannot be changed otherwise. \
            The one who made the change may confirm it, and who may change every interface and peer.


            """
                + Wgmctl.examples(
                    "wgmctl apply -f gateway.yaml --confirm 2m",
                    "wgmctl confirm",
                    "wgmctl confirm --status",
                    "wgmctl confirm --undo"
                )
    )

    @Flag(help: "Only show what waits to be confirmed.")
    var status = false

    @Flag(help: "Undo the change at once instead.")
    var undo = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        guard !status || !undo else { throw ValidationError("--status and --undo exclude each other") }
        guard global.confirm == nil else { throw ValidationError("a confirmation is not confirmed itself") }
    }

    func run() throws {
        var session = try Session.authenticated(global)
        guard !status else {
            return try global.show(UnconfirmedDetails(change: try session.revisionsGetUnconfirmed(.init()), now: .now))
        }
        let reply = try session.revisionsConfirm(V1.ConfirmRequest(undo: undo ? true : nil))
        let number = Words.number(reply.number)
        let sentence =
            undo
            ? "revision \(number) is undone; this is revision \(Words.number(reply.revision))"
            : "revision \(number) is confirmed"
        try global.show(Outcome(sentence: sentence, revision: reply.revision))
    }
}

/// The change that waits to be confirmed, if there is one.
struct UnconfirmedDetails: Presentable {
    var change: V1.GetUnconfirmedResponse
    var now: Timestamp

    var document: Document {
        .object([
            "number": .number(change.number), "principal": .text(change.principal),
            "deadline_unix_ms": .number(change.deadlineUnixMs),
        ])
    }

    func text(styled: Bool) -> String {
        guard let number = change.number else { return "no change waits to be confirmed\n" }
        let rest = max(0, (change.deadlineUnixMs ?? 0) - now.milliseconds) / 1000
        return "revision \(number) of \(change.principal ?? "wgmd") is undone in \(rest) s unless it is confirmed"
            .printable
            + "\n"
    }
}
