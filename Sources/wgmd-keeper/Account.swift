// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// A user of this system, by number.
struct Account {
    var name: String
    var user: UInt32 = 0
    var group: UInt32 = 0

    init(named name: String) throws(StartError) {
        self.name = name
        guard unsafe wgm_find_user(name, &user, &group) == 0 else {
            throw .failed("there is no user \(name): make one with adduser --system --group \(name)")
        }
    }

    /// For good; of root's powers CAP_NET_ADMIN alone is kept.
    func become() throws(StartError) {
        guard wgm_drop_privileges(user, group, true) == 0 else {
            throw .system("cannot become user \(name)", cure: "start the keeper as root, and let --user not be root")
        }
    }
}
