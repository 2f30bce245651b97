// SPDX-License-Identifier: Apache-2.0

/// Writes the compact JSON that stands for a request in the audit record.
///
/// Fields of the form CLEAR stand as they are; every other field as `{"hash":"…"}` over the serialisation of a message
/// that holds nothing but that field. A list longer than 50 ends with `{"…":N}`, N elements left out.
package struct AuditWriter {
    static let listLimit = 50
    /// Bytes of JSON for one request; beyond it only size and hash are recorded.
    static let sizeLimit = 65_536

    /// Text, each followed by the hash of these bytes, in front of `json`.
    private var hashes: [(text: String, bytes: [UInt8])] = []
    private var json = ""
    private var needsComma = false

    /// The JSON of a whole request.
    package static func json<M: AuditedMessage>(of message: M, hashing: (UnsafeRawBufferPointer) -> String) -> String {
        var writer = AuditWriter()
        writer.object(message)
        let json = unsafe writer.text(hashing)
        guard json.utf8.count > sizeLimit else { return json }
        writer.replace(message, size: json.utf8.count)
        return unsafe writer.text(hashing)
    }

    /// Everything, with the hashes.
    private func text(_ hashing: (UnsafeRawBufferPointer) -> String) -> String {
        var whole = AuditWriter()
        for (text, bytes) in hashes {
            whole.json += text
            whole.string(unsafe bytes.withUnsafeBytes { unsafe hashing($0) })
        }
        return whole.json + json
    }

    /// A request whose JSON is too long to keep.
    private mutating func replace<M: AuditedMessage>(_ message: M, size: Int) {
        hashes = []
        json = "{\"…\":{\"bytes\":\(size),"
        writeHash(of: message.serialized())
        json += "}}"
    }

    package mutating func object<M: AuditedMessage>(_ message: M) {
        json += "{"
        needsComma = false
        message.writeAudit(to: &self)
        json += "}"
        needsComma = true
    }

    private mutating func key(_ name: String) {
        if needsComma { json += "," }
        json += "\""
        json += name
        json += "\":"
        needsComma = true
    }

    /// A field that is present, as `write` writes its value.
    package mutating func clear<T>(_ name: String, _ value: T?, _ write: (inout AuditWriter, T) -> Void) {
        guard let value else { return }
        key(name)
        write(&self, value)
        needsComma = true
    }

    /// A repeated field that is not empty.
    package mutating func clear<T>(_ name: String, _ values: [T], _ write: (inout AuditWriter, T) -> Void) {
        guard !values.isEmpty else { return }
        key(name)
        json += "["
        for (index, value) in values.prefix(Self.listLimit).enumerated() {
            if index > 0 { json += "," }
            write(&self, value)
        }
        if values.count > Self.listLimit { json += ",{\"…\":\(values.count - Self.listLimit)}" }
        json += "]"
        needsComma = true
    }

    /// A field that is redacted; `alone` is a message that holds nothing else.
    package mutating func hashed<M: WireMessage>(_ name: String, isPresent: Bool, alone: @autoclosure () -> M) {
        guard isPresent else { return }
        key(name)
        json += "{"
        writeHash(of: alone().serialized())
        json += "}"
    }

    private mutating func writeHash(of bytes: [UInt8]) {
        hashes.append((json + "\"hash\":", bytes))
        json = ""
    }

    package mutating func number<T: BinaryInteger>(_ value: T) {
        json += String(value)
    }

    package mutating func bool(_ value: Bool) {
        json += value ? "true" : "false"
    }

    package mutating func name<E: WireEnum>(_ value: E) {
        string(value.protoName)
    }

    /// Bytes as lower-case hexadecimal text.
    package mutating func hexadecimal(_ bytes: [UInt8]) {
        string(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }

    package mutating func string(_ text: String) {
        json += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\n": json += "\\n"
            case "\r": json += "\\r"
            case "\t": json += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FFFE}", "\u{FFFF}":
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        json += "\""
    }
}

/// A message that can appear in an audit record: a request, or a part of one.
package protocol AuditedMessage: WireMessage {
    func writeAudit(to writer: inout AuditWriter)
}
