// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc
internal import WGMKeeper
internal import WGMKernel
internal import WGMKeys
internal import WGMModel
internal import WGMService

/// From an ordinary start, as root or not, to a service without any power but CAP_NET_ADMIN.
enum Start {
    static func run(_ options: Options) throws(StartError) {
        // What a dump of many peers took goes back.
        _ = wgm_keep_heap_small()
        Environment.keepWhatServicesNeed()
        _ = signal(SIGPIPE, SIG_IGN)
        _ = signal(SIGXFSZ, SIG_IGN)
        let channel = try Channel(options)
        // Ctrl-C in a terminal goes to wgmd too, whose end of the socket pair says when to end.
        if case .inherited = channel { _ = signal(SIGINT, SIG_IGN) }
        let account = try account(options)
        do {
            try StateFolder.make(options.state, owner: account.map { ($0.user, $0.group) })
            let source = try KeySource.find(options)
            try dropPrivileges(to: account)
            let folder = try StateFolder(locking: options.state)
            let keys = try source.keys(in: KeyFolder(options.state))
            if !keys.isReady {
                complain("sealed: the key-encryption key is missing or another; restore it and start the keeper again")
            }
            let status = keys.isReady ? "holding keys and interfaces" : "sealed: the key-encryption key is missing"
            let supervisor = Supervisor()
            var kernel = try LinuxKernel(options: .init(userspaceProgram: options.userspaceProgram))
            // A unit that cannot do its one job says so at its start; what `wgmd run` starts says so when it is asked.
            if case .listening = channel { try kernel.requireWireGuard() }
            let keeper = Keeper(
                version: KeeperVersion.current,
                kernel: kernel,
                keys: keys,
                journal: try Journal.open(in: options.state)
            )
            var service = Service(folder: folder, keeper: keeper, supervisor: supervisor)
            complain(try sandbox(options).enter())
            supervisor.ready(status)
            try service.serve(channel)
        } catch let error as StartError {
            throw error
        } catch let error as KernelFailure {
            throw .failed(error.message)
        } catch let error as JournalError {
            throw .failed("\(options.state): \(error)")
        } catch {
            throw .failed("\(error)")
        }
    }

    /// A child inherits it, so that userspace WireGuard decides what is left: UDP, its program, the tunnel device.
    ///
    /// Without it there is no way to make an IP socket or to start a program.
    private static func sandbox(_ options: Options) -> Sandbox {
        var files: [(path: String, rights: Sandbox.Rights)] = [(options.state, [.read, .write])]
        guard let program = options.userspaceProgram, unsafe access(program, X_OK) == 0 else {
            return Sandbox(calls: [], files: files)
        }
        files += [
            ("/run/wireguard", [.read, .write]), ("/dev/net/tun", [.read, .write]), (program, .execute),
            ("/lib64/ld-linux-x86-64.so.2", .execute), ("/lib/ld-linux-aarch64.so.1", .execute),
        ]
        return Sandbox(calls: [.startPrograms, .udp], files: files)
    }

    /// nil for a keeper that was started without root's power.
    private static func account(_ options: Options) throws(StartError) -> Account? {
        if let name = options.user, geteuid() == 0 { return try Account(named: name) }
        guard geteuid() != 0 else { throw .usage("the keeper does not run as root: give --user NAME") }
        guard let name = options.user else { return nil }
        guard try Account(named: name).user == geteuid() else {
            throw .failed("cannot become user \(name): start the keeper as root")
        }
        return nil
    }

    private static func dropPrivileges(to account: Account?) throws(StartError) {
        if let account { return try account.become() }
        guard wgm_harden() == 0 else {
            throw .system("cannot give up privileges", cure: "the kernel must be Linux 3.5 or later")
        }
    }
}
