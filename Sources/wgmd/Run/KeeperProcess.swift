// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// Starts the privileged half at the other end of a socket pair.
enum KeeperProcess {
    private static let inheritedDescriptor: Int32 = 3

    private static func program(_ configured: String?) throws(StartError) -> String {
        if let configured { return configured }
        return try Program.path("wgmd-keeper")
    }

    /// - Returns: this process's end of the socket pair, and the keeper's process id.
    static func start(_ configuration: Configuration) throws(StartError) -> (socket: Int32, pid: pid_t) {
        let program = try program(configuration.keeperProgram)
        var own: Int32 = -1
        var theirs: Int32 = -1
        guard unsafe wgm_packet_socket_pair(&own, &theirs) == 0 else { throw .system("cannot make a socket pair") }
        defer { close(theirs) }
        var arguments = [program, "--socket-fd", "\(inheritedDescriptor)", "--state", configuration.keeperState]
        if Account.isRoot { arguments += ["--user", configuration.keeperUser] }
        if let userspace = configuration.userspaceProgram { arguments += ["--userspace-program", userspace] }
        do {
            return (own, try spawn(program, arguments, inheriting: theirs))
        } catch {
            close(own)
            throw error
        }
    }

    private static func spawn(
        _ program: String,
        _ arguments: [String],
        inheriting descriptor: Int32
    ) throws(StartError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, inheritedDescriptor)
        var argv = unsafe arguments.map { unsafe strdup($0) }
        defer { unsafe argv.forEach { unsafe free($0) } }
        unsafe argv.append(nil)
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil]
        defer { unsafe free(environment[0]) }
        var pid: pid_t = 0
        let code = unsafe posix_spawn(&pid, program, &actions, nil, &argv, &environment)
        guard code == 0 else {
            errno = code
            throw .system("cannot start \(program)")
        }
        return pid
    }
}
