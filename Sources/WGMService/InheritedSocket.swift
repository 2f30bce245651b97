// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// A listening socket that systemd made and handed over.
package struct InheritedSocket: Hashable, Sendable {
    package let descriptor: Int32
    /// `FileDescriptorName=` of its unit; "unknown" without one.
    package let name: String

    /// Whether it is a port of the network, whatever its name says.
    ///
    /// Who comes through there is known by certificate, never by user.
    package var isOfNetwork: Bool { wgm_is_network_socket(descriptor) == 1 }

    package init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    private static let first: Int32 = 3
    /// More than any unit has; keeps a wrong number from closing what is ours.
    private static let limit = 32

    /// All that are meant for this process, in order; from here on no child inherits them.
    ///
    /// To be called once, before any thread starts.
    package static func takeAll() -> [InheritedSocket] {
        let sockets = listed(
            process: Environment["LISTEN_PID"],
            count: Environment["LISTEN_FDS"],
            names: Environment["LISTEN_FDNAMES"],
            own: getpid()
        )
        for socket in sockets { _ = fcntl(socket.descriptor, F_SETFD, FD_CLOEXEC) }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        return sockets
    }

    static func listed(process: String?, count: String?, names: String?, own: pid_t) -> [InheritedSocket] {
        guard process == String(own), let count = count.flatMap({ Int($0) }), (1...limit).contains(count) else {
            return []
        }
        let given = (names ?? "").split(separator: ":", omittingEmptySubsequences: false)
        return (0..<count).map { index in
            let name = index < given.count && !given[index].isEmpty ? String(given[index]) : "unknown"
            return InheritedSocket(descriptor: first + Int32(index), name: name)
        }
    }
}
