// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc

/// The three ways to print a result.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case table, json, yaml
}

/// A result that can be printed in every format.
protocol Presentable {
    var document: Document { get }
    /// For people, with a line end.
    func text(styled: Bool) -> String
}

/// Where results go (standard output) and notes go (standard error).
struct Console: Sendable {
    var format: OutputFormat
    /// Bold, and colours of a QR code: only on a terminal, and only unless NO_COLOR is set.
    var styled: Bool

    init(format: OutputFormat) {
        self.format = format
        styled = isatty(STDOUT_FILENO) == 1 && (Environment["NO_COLOR"] ?? "").isEmpty && Environment["TERM"] != "dumb"
    }

    func show(_ result: some Presentable) throws {
        try Self.write(raw: Self.render(result, as: format, styled: styled))
    }

    static func write(raw text: String) throws {
        try unsafe Array(text.utf8).withUnsafeBytes { try unsafe writeAll($0, to: STDOUT_FILENO) }
    }

    static func render(_ result: some Presentable, as format: OutputFormat, styled: Bool) -> String {
        switch format {
        case .table: result.text(styled: styled)
        case .json: result.document.json + "\n"
        case .yaml: result.document.yaml
        }
    }

    /// A remark that is no result and no failure.
    static func note(_ text: String) { complain("note: \(text.printable)") }

    /// Of a change that made no revision.
    static func note(unless revision: Int64?) {
        if revision == nil { note("it was so already; there is no new revision") }
    }

    /// Something that works but should be changed.
    static func warn(_ text: String) { complain("warning: \(text.printable)") }

    /// One line on standard error; that it cannot be written is nothing that could be reported anywhere.
    static func complain(_ line: String) {
        _ = try? unsafe Array((line + "\n").utf8).withUnsafeBytes { try unsafe writeAll($0, to: STDERR_FILENO) }
    }

    /// A question on standard error, without a line end.
    static func prompt(_ text: String) {
        _ = try? unsafe Array(text.printable.utf8).withUnsafeBytes { try unsafe writeAll($0, to: STDERR_FILENO) }
    }

    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) throws {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            guard count >= 0 || errno == EINTR else {
                throw Failure(.failure, "cannot write the output: \(SystemError.current)")
            }
            if count > 0 { unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
        }
    }
}
