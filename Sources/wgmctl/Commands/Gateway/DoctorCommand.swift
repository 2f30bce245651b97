// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `wgmctl doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check this gateway from end to end, and say what to do.",
        discussion: """
            Looks at the kernel's WireGuard, forwarding, the clock, systemd-networkd, the daemon's socket, and asks the \
            daemon about keeper, database and interfaces. Changes nothing and needs no root. Exits with 2 when a check \
            fails.


            """ + Wgmctl.examples("wgmctl doctor", "wgmctl doctor -o json")
    )

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        let machine = Machine()
        let socket = SocketCheck(path: global.socketPath).finding
        let daemon = socket.state == .fail ? [] : DaemonCheck(options: global, machine: machine).findings()
        let diagnosis = Diagnosis(findings: machine.findings() + [socket] + daemon)
        try global.show(diagnosis)
        guard !diagnosis.hasFailure else { throw ExitCode(ExitStatus.unhealthy.rawValue) }
    }
}
