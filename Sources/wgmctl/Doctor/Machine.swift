// SPDX-License-Identifier: Apache-2.0

internal import CWGMSystem
internal import Glibc

/// What this machine says about itself without root, in files.
struct Machine {
    /// In front of every path; a test's folder, or nothing.
    var root = ""
    var kernelRelease = Self.ownKernelRelease()
    var clockIsSynchronised: Bool? = Self.ownClockIsSynchronised()

    /// Up to `limit` bytes of a file, without the line end behind it; nil when it cannot be read.
    func read(_ path: String, limit: Int = 65_536) -> String? {
        guard let file = try? Descriptor(path: root + path, flags: O_RDONLY),
            let bytes = try? file.readSome(limit: limit)
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    func exists(_ path: String) -> Bool { unsafe access(root + path, F_OK) == 0 }
    /// Everybody may read and write it.
    func isOpenToAll(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(root + path, &status) == 0 && status.st_mode & 0o6 == 0o6
    }
    func canExecute(_ path: String) -> Bool { unsafe access(root + path, X_OK) == 0 }

    /// True if a line of the file has that word; for lists that are too long to keep.
    func contains(_ word: String, in path: String) -> Bool {
        read(path, limit: 16 << 20)?.split(separator: "\n").contains { $0.contains(word) } ?? false
    }

    /// The names in a folder, sorted.
    func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(root + folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func ownKernelRelease() -> String {
        Machine(root: "", kernelRelease: "", clockIsSynchronised: nil).read("/proc/sys/kernel/osrelease") ?? ""
    }

    /// nil when the kernel does not say.
    private static func ownClockIsSynchronised() -> Bool? {
        let state = wgm_clock_is_synchronised()
        return state < 0 ? nil : state == 1
    }
}

extension Descriptor {
    /// The first bytes, at most `limit`; files below /proc have no size to ask for.
    borrowing func readSome(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < limit {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw SystemError.current }
            if count == 0 { break }
            bytes += buffer.prefix(max(0, count))
        }
        return Array(bytes.prefix(limit))
    }
}
