// SPDX-License-Identifier: Apache-2.0

import CPostgres
import WGMControl
import WGMModel

/// Owns a `PGresult`.
@safe final class QueryResult {
    private let raw: OpaquePointer
    /// The column that was looked at last.
    private var column: Int32 = 0

    init(owning raw: OpaquePointer) { unsafe self.raw = raw }

    deinit { unsafe PQclear(raw) }

    var isSuccess: Bool {
        let status = unsafe PQresultStatus(raw)
        return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
    }
    /// The server closes the connection after an error of such severity.
    var endsConnection: Bool { ["FATAL", "PANIC"].contains(field(errorField("V"))) }
    var rowCount: Int { Int(unsafe PQntuples(raw)) }
    /// Such as `COMMIT`, or `ROLLBACK` for the COMMIT of a transaction that had failed.
    var command: String { unsafe PQcmdStatus(raw).map { unsafe String(cString: $0) } ?? "" }

    func field(_ code: Int32) -> String? {
        unsafe PQresultErrorField(raw, code).map { unsafe String(cString: $0) }
    }

    /// nil where the row has no such column, of such type.
    func value(row: Int, column: Int, type: UInt32) -> [UInt8]?? {
        let (row, column) = (Int32(clamping: row), Int32(clamping: column))
        self.column = column
        guard unsafe row < PQntuples(raw) && column < PQnfields(raw) && PQftype(raw, column) == type else { return nil }
        guard unsafe PQgetisnull(raw, row, column) == 0, let start = unsafe PQgetvalue(raw, row, column) else {
            return .some(nil)
        }
        let text = unsafe UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(raw, row, column)))
        return unsafe .some(Array(text))
    }

    /// Where the last value is: its column, how to ask for the table's name, and the row as far as its first column tells.
    func lastPlace(row: Int) -> String {
        guard let name = unsafe PQfname(raw, column) else { return "a column is missing" }
        var words = "column \(unsafe String(cString: name))"
        let table = unsafe PQftable(raw, column)
        if table != 0 { words += " of the table that SELECT \(table)::regclass names" }
        guard column > 0, let key = unsafe PQfname(raw, 0) else { return words }
        let number = value(row: row, column: 0, type: PostgresType.int8.rawValue).flatMap { $0 }.map(Row.number)
        if let number { words += ", in the row whose \(unsafe String(cString: key)) is \(number)" }
        return words
    }

    var rows: [Row] { (0..<rowCount).map { Row(result: self, index: $0) } }
}

/// One row of a result, read column by column from the left.
struct Row {
    let result: QueryResult
    let index: Int
    private var column = 0

    init(result: QueryResult, index: Int) {
        self.result = result
        self.index = index
    }

    mutating func int() throws(StoreFailure) -> Int64 { try required(optionalInt()) }
    mutating func bool() throws(StoreFailure) -> Bool { try required(next(.bool)).first == 1 }
    mutating func optionalBool() throws(StoreFailure) -> Bool? { try next(.bool).map { $0.first == 1 } }
    mutating func text() throws(StoreFailure) -> String { try required(optionalText()) }
    mutating func bytes() throws(StoreFailure) -> [UInt8] { try required(next(.bytea)) }
    mutating func optionalBytes() throws(StoreFailure) -> [UInt8]? { try next(.bytea) }
    mutating func optionalInt() throws(StoreFailure) -> Int64? { try next(.int8).map(Self.number) }
    mutating func optionalText() throws(StoreFailure) -> String? {
        try next(.text).map { String(decoding: $0, as: UTF8.self) }
    }

    mutating func prefix() throws(StoreFailure) -> IPPrefix { try required(optionalPrefix()) }
    mutating func optionalPrefix() throws(StoreFailure) -> IPPrefix? {
        guard let bytes = try next(.cidr) else { return nil }
        let (address, length) = try required(Self.network(bytes))
        return try required(IPPrefix(address, length: length))
    }

    mutating func address() throws(StoreFailure) -> IPAddress { try required(optionalAddress()) }
    mutating func optionalAddress() throws(StoreFailure) -> IPAddress? {
        guard let bytes = try next(.inet) else { return nil }
        return try required(Self.network(bytes)).address
    }

    mutating func time() throws(StoreFailure) -> Timestamp { try required(optionalTime()) }
    mutating func optionalTime() throws(StoreFailure) -> Timestamp? {
        guard let microseconds = try next(.timestamptz).map(Self.number) else { return nil }
        var (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        if rest < 0 { (seconds, rest) = (seconds - 1, rest + 1_000_000) }
        return Timestamp(
            seconds: seconds + Parameter.secondsFrom1970To2000,
            nanoseconds: UInt32(rest) * 1000
        )
    }

    /// An array of one dimension without NULLs.
    mutating func addresses() throws(StoreFailure) -> [IPAddress] {
        let bytes = try required(next(array: PostgresType.inet.array))
        var addresses: [IPAddress] = []
        for element in try required(Self.elements(bytes)) {
            addresses.append(try required(Self.network(element)).address)
        }
        return addresses
    }

    mutating func texts() throws(StoreFailure) -> [String] {
        let bytes = try required(next(array: PostgresType.text.array))
        return try required(Self.elements(bytes)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// For a value that the schema promises: without it somebody changed the database.
    func required<Value>(_ value: Value?) throws(StoreFailure) -> Value {
        guard let value else {
            let place = result.lastPlace(row: index)
            throw .other(
                "the database holds a value that does not fit its place (\(place)): correct it, or restore a backup"
            )
        }
        return value
    }

    private mutating func next(_ type: PostgresType) throws(StoreFailure) -> [UInt8]? {
        try next(array: type.rawValue)
    }

    private mutating func next(array type: UInt32) throws(StoreFailure) -> [UInt8]? {
        defer { column += 1 }
        return try required(result.value(row: index, column: column, type: type))
    }

    static func number(_ bytes: [UInt8]) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }

    private static func network(_ bytes: [UInt8]) -> (address: IPAddress, length: Int)? {
        guard bytes.count >= 4, let address = IPAddress(bytes: bytes[4...]) else { return nil }
        return (address, Int(bytes[1]))
    }

    private static func elements(_ bytes: [UInt8]) -> [[UInt8]]? {
        guard bytes.count >= 12, let dimensions = word(bytes, at: 0) else { return nil }
        guard dimensions == 1 else { return dimensions == 0 ? [] : nil }
        var elements: [[UInt8]] = []
        var position = 20
        while position < bytes.count {
            guard let length = word(bytes, at: position), length >= 0 else { return nil }
            let end = position + 4 + Int(length)
            guard end <= bytes.count else { return nil }
            elements.append(Array(bytes[position + 4..<end]))
            position = end
        }
        return elements
    }

    private static func word(_ bytes: [UInt8], at position: Int) -> Int32? {
        guard position + 4 <= bytes.count else { return nil }
        return bytes[position..<position + 4].reduce(0) { $0 << 8 | Int32($1) }
    }
}
