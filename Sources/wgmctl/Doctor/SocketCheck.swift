// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Whether the user who runs this may open the daemon's socket.
struct SocketCheck {
    static let name = "socket"
    let path: String

    var finding: Finding {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let code = errno
            if code == EACCES {
                return .fail(Self.name, "the folder of \(path) is closed to you", cure: Self.membership)
            }
            return .fail(
                Self.name,
                "\(path): \(unsafe String(cString: strerror(code)))",
                cure: "start wgmd (systemctl start wgmd.socket wgmd), or name its socket with --socket PATH"
            )
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            return .fail(Self.name, "\(path) is not a socket", cure: "stop wgmd, move it away, start wgmd")
        }
        let group = Self.groupName(status.st_gid)
        if status.st_mode & 0o007 != 0 {
            return .warn(Self.name, "everybody may open \(path)", cure: "chmod o-rwx \(path), or restart wgmd.socket")
        }
        guard unsafe access(path, R_OK | W_OK) == 0 else {
            return .fail(
                Self.name,
                "you are not in the group \(group), whose members may open it",
                cure: Self.membership
            )
        }
        return .ok(Self.name, "open to you; group \(group), mode \(String(status.st_mode & 0o777, radix: 8))")
    }

    private static let membership = "an administrator can add you: usermod --append --groups wgm USER; then log in anew"

    private static func groupName(_ id: gid_t) -> String {
        guard let entry = unsafe getgrgid(id) else { return String(id) }
        return unsafe String(cString: entry.pointee.gr_name)
    }
}
