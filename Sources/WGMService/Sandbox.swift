// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// What a process takes away from itself once it has started: system calls, and files.
///
/// It holds for every later thread and child and cannot be undone, whoever started the process; the sandbox of a unit of
/// systemd lies around it.
package struct Sandbox {
    /// What the filter of system calls leaves besides what every daemon needs.
    package struct Calls: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let startPrograms = Calls(rawValue: 1)
        package static let udp = Calls(rawValue: 2)
        package static let tcp = Calls(rawValue: 4)
    }

    /// What may be done with a file, or with everything below a folder.
    package struct Rights: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let read = Rights(rawValue: 1)
        package static let write = Rights(rawValue: 2)
        package static let execute = Rights(rawValue: 4)
    }

    /// A step that the kernel refuses.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        init(_ what: String, _ code: Int32) { description = "\(what): \(unsafe String(cString: strerror(code)))" }
    }

    /// Read by every program: libraries, time zones, names of users and hosts, the kernel's own figures.
    package static let system: [(path: String, rights: Rights)] =
        ["/etc", "/usr", "/lib", "/lib64", "/proc", "/sys", "/run/systemd", "/run/nscd"].map { ($0, .read) } + [
            ("/dev/null", [.read, .write]), ("/dev/urandom", .read), ("/dev/random", .read), ("/dev/log", .write),
        ]

    private let calls: Calls
    private let files: [(path: String, rights: Rights)]

    package init(calls: Calls, files: [(path: String, rights: Rights)]) {
        self.calls = calls
        self.files = Self.system + files
    }

    /// To be called while the process has one thread, after privileges are dropped.
    ///
    /// - Returns: a line for the log.
    package func enter() throws(Failure) -> String {
        let hasLandlock = try closeFiles()
        guard wgm_filter_system_calls(calls.rawValue) == 0 else { throw Failure("cannot filter system calls", errno) }
        guard hasLandlock else {
            return "warning: system calls are filtered, files are not: Landlock is switched off here"
        }
        return "system calls are filtered, files are closed but for those needed"
    }

    /// False on a kernel without Landlock, or where it is switched off.
    private func closeFiles() throws(Failure) -> Bool {
        let rules = wgm_landlock_begin()
        guard rules >= 0 else {
            if errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM { return false }
            throw Failure("cannot use Landlock", errno)
        }
        for file in files where unsafe wgm_landlock_allow(rules, file.path, file.rights.rawValue) != 0 {
            let code = errno
            close(rules)
            throw Failure("cannot keep \(file.path) open", code)
        }
        guard wgm_landlock_enforce(rules) == 0 else { throw Failure("cannot use Landlock", errno) }
        return true
    }
}
