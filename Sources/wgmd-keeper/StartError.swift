// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why the keeper does not start: a cause and its cure in one line.
enum StartError: Error {
    case usage(String)
    case failed(String)

    static func system(_ operation: String, _ code: Int32 = errno, cure: String) -> StartError {
        unsafe .failed("\(operation): \(String(cString: strerror(code))); \(cure)")
    }

    /// As in sysexits.h: usage, or any failure.
    var exitCode: Int32 {
        switch self {
        case .usage: 64
        case .failed: 1
        }
    }

    var text: String {
        switch self {
        case .usage(let text), .failed(let text): text
        }
    }
}

/// Says one line on standard error, control characters left out.
func complain(_ text: String) {
    let clean = text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }
    let line = Array("wgmd-keeper: \(String(String.UnicodeScalarView(clean)))\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
