// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The system user that the cluster's processes run as.
struct ClusterAccount {
    static let setpriv = "/usr/bin/setpriv"
    private static let env = "/usr/bin/env"

    let name: String
    let uid: uid_t
    let gid: gid_t

    init(_ name: String) throws(ClusterFailure) {
        var text = [CChar](repeating: 0, count: 16_384)
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        guard !name.utf8.contains(0), unsafe getpwnam_r(name, &entry, &text, text.count, &found) == 0,
            unsafe found != nil
        else { throw .userMissing(name) }
        self.name = name
        uid = unsafe entry.pw_uid
        gid = unsafe entry.pw_gid
        guard geteuid() == 0 || geteuid() == uid else { throw .rootNeeded(user: name) }
        guard uid != 0 else { throw .unusablePath(name, rule: "PostgreSQL refuses to run as root") }
    }

    /// The same command, run as this user without a way back, and stopped when the thread that started it ends if `signal`
    /// says how.
    ///
    /// It starts in `/`, since PostgreSQL's programs fail where they may not return to the folder they came from.
    func command(_ arguments: [String], whenParentEnds signal: String? = nil) throws(ClusterFailure) -> [String] {
        guard unsafe access(Self.setpriv, X_OK) == 0 else { throw .setprivMissing }
        let identity = geteuid() == 0 ? ["--reuid", "\(uid)", "--regid", "\(gid)", "--clear-groups"] : []
        let tie = signal.map { ["--pdeathsig", $0] } ?? []
        return [Self.env, "--chdir=/", Self.setpriv] + identity + ["--no-new-privs"] + tie + ["--"] + arguments
    }
}
