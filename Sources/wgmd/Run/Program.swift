// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The programs that belong to wgmd.
enum Program {
    private static let installed = "/usr/libexec/wgm"

    /// Beside this program, as after a build, or where the package puts it.
    static func path(_ name: String) throws(StartError) -> String {
        for path in [ownFolder() + "/" + name, installed + "/" + name] where unsafe access(path, X_OK) == 0 {
            return path
        }
        throw StartError("the program \(name) is neither beside wgmd nor in \(installed); install the package again")
    }

    private static func ownFolder() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe bytes.baseAddress.map { unsafe readlink("/proc/self/exe", $0, bytes.count) } ?? 0
        }
        let path = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
}
