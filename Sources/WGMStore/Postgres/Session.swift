// SPDX-License-Identifier: Apache-2.0

import CPostgres
import WGMControl

/// Owns a `PGconn`.
@safe struct Session: ~Copyable {
    private let raw: OpaquePointer

    /// Blocks until connected, or for `connect_timeout` per address.
    init(_ address: DatabaseAddress) throws(StoreFailure) {
        let connected = unsafe address.withCStrings { names, values in
            unsafe PQconnectdbParams(names, values, 1)
        }
        guard let raw = unsafe connected else { throw .unavailable("out of memory") }
        guard unsafe PQstatus(raw) == CONNECTION_OK else {
            let message = unsafe String(cString: PQerrorMessage(raw))
            unsafe PQfinish(raw)
            throw .unavailable(oneLine(message))
        }
        unsafe self.raw = raw
    }

    deinit { unsafe PQfinish(raw) }

    var isBroken: Bool { unsafe PQstatus(raw) != CONNECTION_OK }
    var socket: Int32 { unsafe PQsocket(raw) }
    var serverVersion: Int32 { unsafe PQserverVersion(raw) }
    var message: String { unsafe oneLine(String(cString: PQerrorMessage(raw))) }

    /// `log` must live as long as the session.
    func sendNotices(to log: NoticeLog) {
        _ = unsafe PQsetNoticeReceiver(raw, receiveNotice, Unmanaged.passUnretained(log).toOpaque())
    }

    /// Runs one statement; nil when libpq had no memory or the connection broke before there was any answer.
    func execute(_ sql: UnsafePointer<CChar>, _ parameters: [Parameter]) -> QueryResult? {
        var values: [UInt8] = []
        let offsets = parameters.map { parameter in
            defer { values += parameter.bytes ?? [] }
            return parameter.bytes == nil ? nil : values.count
        }
        values.append(0)
        let types = parameters.map { Oid($0.type) }
        let lengths = parameters.map { Int32(clamping: $0.bytes?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: parameters.count)
        let result = unsafe values.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = unsafe offsets.map { offset in
                unsafe offset.flatMap { offset in unsafe start.map { unsafe UnsafePointer($0 + offset) } }
            }
            let count = Int32(clamping: parameters.count)
            return unsafe PQexecParams(raw, sql, count, types, pointers, lengths, formats, 1)
        }
        return unsafe result.map { unsafe QueryResult(owning: $0) }
    }
}

/// The warnings that the server sent, until somebody takes them.
final class NoticeLog {
    private var warnings: [String] = []

    func add(_ warning: String) {
        guard warnings.count < 16 else { return }
        warnings.append(warning)
    }

    func take() -> [String] {
        defer { warnings = [] }
        return warnings
    }
}

/// Called by libpq within `PQexecParams`, on the thread that called that.
private func receiveNotice(_ log: UnsafeMutableRawPointer?, _ notice: OpaquePointer?) {
    guard let log = unsafe log, let notice = unsafe notice else { return }
    let severity = unsafe PQresultErrorField(notice, errorField("V")).map { unsafe String(cString: $0) }
    guard severity == "WARNING" else { return }
    let message = unsafe PQresultErrorField(notice, errorField("M")).map { unsafe String(cString: $0) }
    unsafe Unmanaged<NoticeLog>.fromOpaque(log).takeUnretainedValue().add(message ?? "")
}

/// The codes of postgres_ext.h, which Swift does not import: macros of character constants.
func errorField(_ code: Unicode.Scalar) -> Int32 { Int32(code.value) }

/// The words of a message of several lines on one, and not too many of them.
func oneLine(_ text: String) -> String {
    let words = text.split { $0.isWhitespace }.joined(separator: " ")
    return words.utf8.count <= 500 ? words : String(words.prefix(400)) + " …"
}
