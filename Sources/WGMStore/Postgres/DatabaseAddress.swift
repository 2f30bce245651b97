// SPDX-License-Identifier: Apache-2.0

import CPostgres
package import WGMControl

/// Where the database is and as whom to go there.
///
/// A URI may hold a password: neither `description` nor a mirror shows it.
package struct DatabaseAddress: Sendable, CustomStringConvertible, CustomReflectable {
    package let description: String
    private let given: [(keyword: String, value: String)]

    /// Any libpq connection URI, or libpq's `keyword=value` form.
    package init(uri: String) throws(StoreFailure) {
        guard Self.isUnderstood(uri) else {
            // libpq's own message may quote parts of the URI, a password among them.
            throw .other("the database address is no libpq URI: write postgresql://user@host:port/name?option=value")
        }
        description = "database given by URI"
        given = [("dbname", uri)]
    }

    /// A database of this machine behind the socket in a folder.
    ///
    /// With `server`, nobody is spoken to there but a process of that system user: whoever owns the folder above could put
    /// another one into its place.
    package init(socketFolder: String, database: String, user: String, server: String? = nil) {
        description = "database \(database) in \(socketFolder) as \(user)"
        let peer = server.map { [("requirepeer", $0)] } ?? []
        given = [("host", socketFolder), ("port", "5432"), ("dbname", database), ("user", user)] + peer
    }

    package var customMirror: Mirror { Mirror(self, children: []) }

    /// libpq's keywords in order: what the URI says overrides what stands before it.
    var keywords: [(keyword: String, value: String)] {
        let defaults = [
            ("connect_timeout", "2"),
            ("keepalives", "1"),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "15000"),
            ("target_session_attrs", "read-write"),
            ("fallback_application_name", "wgmd"),
        ]
        return defaults + given + [("client_encoding", "UTF8")]
    }

    private static func isUnderstood(_ uri: String) -> Bool {
        guard !uri.utf8.contains(0), !uri.isEmpty else { return false }
        guard uri.hasPrefix("postgresql://") || uri.hasPrefix("postgres://") || uri.utf8.contains(UInt8(ascii: "="))
        else { return false }
        guard let options = unsafe PQconninfoParse(uri, nil) else { return false }
        unsafe PQconninfoFree(options)
        return true
    }

    /// Calls `body` with the keywords as libpq wants them: two arrays of C strings that end with NULL.
    func withCStrings<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Value
    ) -> Value {
        let pairs = keywords
        var text: [CChar] = []
        let offsets = (pairs.map(\.keyword) + pairs.map(\.value)).map { string in
            defer { text += string.utf8CString }
            return text.count
        }
        return unsafe text.withUnsafeBufferPointer { text in
            let pointers = unsafe offsets.map { offset in unsafe text.baseAddress.map { unsafe $0 + offset } }
            let names = unsafe pointers[..<pairs.count] + [nil]
            let values = unsafe pointers[pairs.count...] + [nil]
            return unsafe body(Array(names), Array(values))
        }
    }
}
