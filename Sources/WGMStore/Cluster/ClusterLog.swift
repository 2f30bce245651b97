// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The file that takes what the cluster's programs print.
struct ClusterLog: ~Copyable {
    /// Bytes; a longer log is put aside when the cluster is started, and `wgmd-cluster` shortens one that grows twice as long.
    static let limit: off_t = 8 << 20

    let path: String
    let descriptor: Int32

    init(path: String) throws(ClusterFailure) {
        self.path = path
        if let size = Self.size(of: path), size > Self.limit { unsafe rename(path, path + ".1") }
        // Also to read: the minder, which has no other way to the file, keeps its end when it grows too long.
        guard let opened = ClusterFiles.openPlainFile(path, O_RDWR | O_CREAT | O_APPEND, mode: 0o640) else {
            throw .system("open", path: path, errno: errno)
        }
        descriptor = opened
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
