// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The file that takes what the cluster's programs print.
struct ClusterLog: ~Copyable {
    /// Bytes; a longer log is put aside when the cluster is started.
    static let limit: off_t = 8 << 20

    let path: String
    let descriptor: Int32

    init(path: String) throws(ClusterFailure) {
        self.path = path
        if let size = Self.size(of: path), size > Self.limit { unsafe rename(path, path + ".1") }
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw .system("open", path: path, errno: errno) }
    }

    deinit { close(descriptor) }

    /// Where the next line will be.
    var end: Int { Int(Self.size(of: path) ?? 0) }

    /// The last line since `start` that tells of an error, else the last one.
    func reason(since start: Int) -> String {
        let tail = max(start, end - 65_536)
        let lines = (ClusterFiles.read(path, from: tail) ?? "").split(separator: "\n").map(String.init)
        let errors = lines.filter { line in
            ["FATAL:", "PANIC:", "ERROR:", "error:", "setpriv:"].contains { line.contains($0) }
        }
        return oneLine(errors.last ?? lines.last ?? "no reason given")
    }

    func contains(_ text: String, since start: Int) -> Bool {
        ClusterFiles.read(path, from: start)?.contains(text) == true
    }

    private static func size(of path: String) -> off_t? {
        var information = stat()
        return unsafe lstat(path, &information) == 0 ? information.st_size : nil
    }
}
