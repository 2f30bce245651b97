// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc
import WGMService

/// What has to be done while wgmd is still root, if it was started so, and has one thread.
struct Start {
    /// The privileged half: a child at the other end of a socket pair, or a unit of its own behind a path.
    enum Keeper {
        case child(socket: Int32, pid: pid_t)
        case unit(path: String)
    }

    let database: Database
    let keeper: Keeper
    let sockets: [InheritedSocket]
    let supervisor: Supervisor
    /// Held until the process ends.
    private let lock: StateLock?

    /// `configurationFolder` stays readable, for a reload.
    init(_ configuration: Configuration, configurationFolder: String) throws {
        // Without it wgmd is larger, and works as well.
        _ = wgm_keep_heap_small()
        Environment.keepWhatServicesNeed(and: configuration.environment)
        supervisor = Supervisor()
        sockets = InheritedSocket.takeAll()
        try TLSPort.check(configuration.tls, inheriting: sockets)
        try Self.prepareFolders(configuration, listens: sockets.allSatisfy(\.isOfNetwork))
        lock = configuration.ownsState ? try StateLock(folder: configuration.state) : nil
        // Looked up first, so that a wrong name starts nothing.
        let account = Account.isRoot ? try Account(named: configuration.user) : nil
        database = try Database(configuration)
        try database.prepareSchema()
        if let path = configuration.keeperSocket {
            keeper = .unit(path: path)
        } else {
            let (socket, pid) = try KeeperProcess.start(configuration)
            keeper = .child(socket: socket, pid: pid)
        }
        if let account {
            guard wgm_drop_privileges(account.uid, account.gid, false) == 0 else {
                throw StartError.system("cannot drop root's privileges")
            }
        } else {
            guard wgm_harden() == 0 else { throw StartError.system("cannot set the limits of this process") }
        }
        Self.say(try Self.sandbox(configuration, configurationFolder).enter())
    }

    /// From here on wgmd starts no program, writes below its run folder alone, and cannot read what the keeper keeps.
    private static func sandbox(_ configuration: Configuration, _ configurationFolder: String) -> Sandbox {
        var files: [(path: String, rights: Sandbox.Rights)] = [
            (configuration.runFolder, [.read, .write]), (configurationFolder, .read),
        ]
        // Where the name servers are named on machines whose /etc/resolv.conf points there.
        for folder in ["/run/resolvconf", "/run/NetworkManager"] { files.append((folder, .read)) }
        for folder in configuration.tls?.folders ?? [] { files.append((folder, .read)) }
        if let credentials = Environment["CREDENTIALS_DIRECTORY"] { files.append((credentials, .read)) }
        return Sandbox(calls: [.tcp, .udp], files: files)
    }

    /// On the terminal or in the journal, for a start that takes longer than a moment.
    static func say(_ words: String) {
        let line = Array("wgmd: \(words)\n".utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }

    static func prepareFolders(_ configuration: Configuration, listens: Bool = true) throws(StartError) {
        guard Account.isRoot else {
            let own = { (path: String) in Folder(path: path, mode: 0o711, owner: geteuid(), group: getegid()) }
            if configuration.ownsState { try own(configuration.state).prepare() }
            if listens { try own(configuration.runFolder).prepare() }
            return
        }
        let daemon = try Account(named: configuration.user)
        let keeper = try Account(named: configuration.keeperUser)
        let group = try groupID(named: configuration.socketGroup)
        try Folder(path: configuration.state, mode: 0o711, owner: 0, group: 0).prepare()
        try Folder(path: configuration.keeperState, mode: 0o700, owner: keeper.uid, group: keeper.gid).prepare()
        // The set-group-id bit gives the socket to the group, which wgmd, without privileges, could not.
        try Folder(path: configuration.runFolder, mode: 0o2751, owner: daemon.uid, group: group).prepare()
        if configuration.userspaceProgram != nil { prepareUserspaceFolder(keeper) }
    }

    /// Userspace WireGuard puts its sockets there; a folder that somebody else made is theirs.
    private static func prepareUserspaceFolder(_ keeper: Account) {
        guard unsafe mkdir("/run/wireguard", 0o700) == 0 else { return }
        _ = unsafe chown("/run/wireguard", keeper.uid, keeper.gid)
    }
}
