// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeys
internal import WGMModel

/// WireGuard in processes of its own (`wireguard-go`), each with one link and one socket.
struct Userspace: ~Copyable {
    let program: String?
    let folder: String
    /// Processes that were started here and whose end was not seen yet.
    private var children: [InterfaceName: pid_t] = [:]

    init(program: String?, folder: String) {
        self.program = program
        self.folder = folder
    }

    /// Collects the processes that ended, so that none stays as a zombie.
    mutating func reap() {
        children = children.filter { Self.hasEnded($0.value) == nil }
    }

    /// Starts the program, and waits until its link and socket are there; `link` reads the link.
    mutating func start(
        _ name: InterfaceName,
        link: () throws(KernelFailure) -> Link?
    ) throws(KernelFailure) -> Link {
        let program = try startable()
        let process: pid_t
        switch ChildProgram.start(program, ["-f", name.value]) {
        case .success(let started): process = started
        case .failure(let failure):
            throw KernelFailure(.noWireGuard, errno: failure.errno, "\(program) could not be started; \(Self.advice)")
        }
        do throws(KernelFailure) {
            let link = try waitForStart(of: name, process, link)
            children[name] = process
            return link
        } catch {
            kill(process, SIGKILL)
            _ = waitpid(process, nil, 0)
            throw error
        }
    }

    private func waitForStart(
        of name: InterfaceName,
        _ process: pid_t,
        _ link: () throws(KernelFailure) -> Link?
    ) throws(KernelFailure) -> Link {
        let deadline = Deadline(seconds: UAPILimit.startTimeout)
        while !deadline.hasPassed {
            if let link = try link(), link.backend == .userspace, isListening(process, name) { return link }
            if let status = Self.hasEnded(process) {
                throw KernelFailure(
                    .noWireGuard,
                    "userspace WireGuard for \(name) ended at once, \(Self.words(status))"
                )
            }
            usleep(5000)
        }
        throw KernelFailure(.noWireGuard, errno: ETIMEDOUT, "userspace WireGuard for \(name) did not start in time")
    }

    private func isListening(_ process: pid_t, _ name: InterfaceName) -> Bool {
        guard let connection = try? UAPIConnection(path: path(name.value), "starting \(name)") else { return false }
        return connection.listener.process == process
    }

    /// The exit status as `waitpid` tells it; nil while the process runs.
    private static func hasEnded(_ process: pid_t) -> Int32? {
        var status: Int32 = 0
        return unsafe waitpid(process, &status, WNOHANG) == 0 ? nil : status
    }

    /// What `waitpid`'s status says.
    static func words(_ status: Int32) -> String {
        let signal = status & 0x7f
        return signal == 0 ? "with exit code \((status >> 8) & 0xff)" : "by signal \(signal)"
    }

    /// The user that this process is, by name if there is one.
    private static var user: String {
        guard let entry = unsafe getpwuid(geteuid()) else { return "\(geteuid())" }
        return unsafe String(cString: entry.pointee.pw_name)
    }

    private static let advice = """
        load the kernel's module (modprobe wireguard), or install wireguard-go and switch it on, as wgmd(8) says
        """

    /// The program, if there is one.
    @discardableResult
    func requireProgram(_ why: String = "the kernel has no WireGuard") throws(KernelFailure) -> String {
        guard let program else { throw KernelFailure(.noWireGuard, "\(why); \(Self.advice)") }
        guard program.hasPrefix("/"), (unsafe access(program, X_OK)) == 0 else {
            throw KernelFailure(
                .noWireGuard,
                errno: ENOENT,
                "\(why), and \(program) is no program; \(Self.advice)"
            )
        }
        return program
    }

    /// The program, when all that it needs is there too.
    private func startable() throws(KernelFailure) -> String {
        let program = try requireProgram("userspace WireGuard is wanted and not switched on")
        guard unsafe access("/dev/net/tun", R_OK | W_OK) == 0 else {
            let number = errno
            let need =
                "userspace WireGuard needs /dev/net/tun to be readable and writable for user \(Self.user): "
                + (number == ENOENT ? "modprobe tun" : "chmod 0666 /dev/net/tun, or a udev rule of that mode")
            throw KernelFailure(.noWireGuard, errno: number, need)
        }
        // The program makes the folder when it may.
        guard unsafe access(folder, W_OK | X_OK) == 0 || errno == ENOENT else {
            let need = "userspace WireGuard needs the folder \(folder) to be writable for user \(Self.user)"
            throw KernelFailure(.noWireGuard, errno: errno, need)
        }
        return program
    }

    private func path(_ name: String) -> String { "\(folder)/\(name).sock" }
}

extension Userspace {
    func set(_ device: DeviceChange, on link: OwnedLink, keys: borrowing SealingKey) throws(KernelFailure) {
        var request = UAPIRequest()
        try request.add(device, of: link, keys: keys)
        try send(&request, to: link, "configuring \(link.name)")
    }

    func set(_ peers: [PeerRequest], on link: OwnedLink, keys: borrowing SealingKey) throws(KernelFailure) {
        var request = UAPIRequest()
        for peer in peers { try request.add(peer, of: link, keys: keys) }
        try send(&request, to: link, "changing peers of \(link.name)")
    }

    private func send(
        _ request: inout UAPIRequest,
        to link: OwnedLink,
        _ purpose: String
    ) throws(KernelFailure) {
        request.end()
        var reply = UAPIReply(purpose: purpose)
        try UAPIConnection(path: path(link.name), purpose).exchange(request.text, &reply)
    }

    func device(_ link: Link, _ marking: KeyMarker? = nil) throws(KernelFailure) -> DeviceDump {
        let purpose = "reading the peers of \(link.name)"
        var reply = UAPIReply(purpose: purpose, marking: marking)
        try ask(link, purpose, &reply)
        return reply.device
    }

    func ask(_ link: Link, _ purpose: String, _ reply: inout UAPIReply) throws(KernelFailure) {
        var request = WipedBuffer(capacity: 16)
        request.append("get=1\n\n".utf8)
        try UAPIConnection(path: path(link.name), purpose).exchange(request, &reply)
    }

    /// True for a link that a program of this very user made, and that nobody has used: its start was cut short.
    func isHalfMade(_ link: Link) -> Bool {
        guard link.backend == .userspace, link.alias.isEmpty, !link.isUp else { return false }
        guard let connection = try? UAPIConnection(path: path(link.name), "looking at \(link.name)"),
            connection.listener.user == geteuid(), let device = try? device(link)
        else { return false }
        return device.publicKey == nil && device.peers.isEmpty
    }

    /// Waits until the program whose link was deleted is gone, and removes the socket that it may have left.
    mutating func waitForEnd(of name: InterfaceName) throws(KernelFailure) {
        let deadline = Deadline(seconds: UAPILimit.startTimeout)
        let path = path(name.value)
        while unsafe access(path, F_OK) == 0 {
            if isAbandoned(path) {
                unsafe unlink(path)
                break
            }
            guard !deadline.hasPassed else {
                throw KernelFailure(.other, errno: ETIMEDOUT, "userspace WireGuard of \(name) does not end")
            }
            usleep(5000)
        }
        reap()
        guard let process = children.removeValue(forKey: name) else { return }
        // It has neither link nor socket any more: what it does between that and its end may be cut short.
        kill(process, SIGKILL)
        _ = waitpid(process, nil, 0)
    }

    private func isAbandoned(_ path: String) -> Bool {
        do throws(KernelFailure) {
            _ = try UAPIConnection(path: path, "looking at \(path)")
            return false
        } catch {
            return error.errno == ECONNREFUSED
        }
    }
}
