// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why the embedded cluster does not run, with the cure, on one line.
package enum ClusterFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case programsMissing(version: String?)
    case setprivMissing
    case userMissing(String)
    /// Another user's processes can be started by root only.
    case rootNeeded(user: String)
    case unusablePath(String, rule: String)
    case system(String, path: String, errno: Int32)
    /// The last words of the log.
    case initFailed(String)
    case stopped(String, log: String)
    case slow(seconds: Int, log: String)
    case doesNotStop(pid: Int32)

    package var description: String {
        switch self {
        case .programsMissing(let version):
            "no PostgreSQL \(version ?? "15 or newer") in \(PostgresPrograms.root): "
                + "install the package postgresql-\(version ?? "15"), or set the database to a libpq URI"
        case .setprivMissing: "\(ClusterAccount.setpriv) is missing: install the package util-linux"
        case .userMissing(let name):
            "there is no system user \(name) for the embedded database: create it with "
                + "`useradd --system --no-create-home --shell /usr/sbin/nologin \(name)`"
        case .rootNeeded(let user):
            "the embedded database runs as \(user): start as root, or set the database to a libpq URI"
        case .unusablePath(let path, let rule): "\(oneLine(path)) cannot be used for the embedded database: \(rule)"
        case .system(let action, let path, let code):
            "cannot \(action) \(path): \(unsafe String(cString: strerror(code)))"
        case .initFailed(let log): "the embedded database could not be created: \(log)"
        case .stopped(let reason, let log): "the embedded database stopped at once: \(reason) (see \(log))"
        case .slow(let seconds, let log):
            "the embedded database did not answer within \(seconds) s: see \(log), then start again"
        case .doesNotStop(let pid): "the embedded database (process \(pid)) does not stop: look at it before killing it"
        }
    }
}
