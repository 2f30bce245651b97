// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The variables that this process was started with.
enum Environment {
    static subscript(name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// The folder that this process was started in.
    static var currentFolder: String {
        guard let path = unsafe getcwd(nil, 0) else { return "" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }
}

/// An `errno` that a system call left.
struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    let code: CInt

    static var current: SystemError { SystemError(code: errno) }

    var description: String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}
