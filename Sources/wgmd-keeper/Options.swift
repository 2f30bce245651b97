// SPDX-License-Identifier: Apache-2.0

/// What the command line asks for.
enum Command {
    case run(Options)
    case help
    case version
}

/// The options of a run.
struct Options {
    var state = ""
    var socket: Int32?
    var user: String?
    var peerUser: String?
    var userspaceProgram: String?
    var sealingKeyPath: String?

    static let help = """
        Usage: wgmd-keeper --state FOLDER [--socket-fd N] [options]

        The privileged half of wgmd: holds the keys and speaks netlink. It is started by wgmd or systemd, not by hand.

          --state FOLDER             keys and journal; made if missing
          --socket-fd N              talk over this inherited packet socket; without it, systemd's (LISTEN_FDS)
          --peer-user NAME           the only user who may connect to systemd's socket
          --user NAME                when started as root: become this user, and keep CAP_NET_ADMIN alone
          --kek FILE                 key-encryption key; default: the credential wgm-kek, or FOLDER/kek, made if missing
          --userspace-program PATH   WireGuard for machines whose kernel has none, such as /usr/bin/wireguard-go
          --help, --version
        """
}

extension Command {
    init(arguments: some Sequence<String>) throws(StartError) {
        var options = Options()
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            switch argument {
            case "--help", "-h":
                self = .help
                return
            case "--version":
                self = .version
                return
            default:
                guard Self.known.contains(argument) else {
                    throw .usage("unknown option \(argument): see wgmd-keeper --help")
                }
                guard let value = rest.next(), !value.isEmpty else { throw .usage("\(argument) needs a value") }
                try options.set(argument, to: value)
            }
        }
        guard !options.state.isEmpty else { throw .usage("there is no state folder: give --state FOLDER") }
        self = .run(options)
    }

    private static let known = [
        "--state", "--socket-fd", "--peer-user", "--user", "--kek", "--userspace-program",
    ]
}

extension Options {
    fileprivate mutating func set(_ option: String, to value: String) throws(StartError) {
        switch option {
        case "--state": state = value
        case "--socket-fd":
            guard let number = Int32(value), number >= 3 else {
                throw .usage("--socket-fd \(value): give the number of an inherited descriptor, 3 or more")
            }
            socket = number
        case "--peer-user": peerUser = value
        case "--user": user = value
        case "--kek": sealingKeyPath = value
        default: userspaceProgram = value
        }
    }
}
