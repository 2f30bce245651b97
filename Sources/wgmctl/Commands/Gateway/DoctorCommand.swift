// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `wgmctl doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check this gateway from end to end, and say what to do.",
        discussion: """
            Looks at the kernel's WireGuard, forwarding, the clock, systemd-networkd, the daemon's socket, and asks the \
            daemon about keeper, database and interfaces; of a gateway on another machine only its daemon is asked. Changes nothing and needs no root. Exits with 2 when a check \
            fails.


            """ + Wgmctl.examples("wgmctl doctor", "wgmctl doctor -o json")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        guard try global.destination.isLocal else {
            return try show(Diagnosis(findings: DaemonCheck(options: global, machine: nil).findings()))
        }
        let machine = Machine()
        let socket = SocketCheck(path: global.socketPath).finding
        let daemon = socket.state == .fail ? [] : DaemonCheck(options: global, machine: machine).findings()
        try show(Diagnosis(findings: machine.findings() + [socket] + daemon))
    }

    private func show(_ diagnosis: Diagnosis) throws {
        try global.show(diagnosis)
        guard !diagnosis.hasFailure else { throw ExitCode(ExitStatus.unhealthy.rawValue) }
    }
}
