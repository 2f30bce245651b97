// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeys

/// A file with keys: one alone, as `wg genkey` or `wg genpsk` prints it, or a wg-quick file with the lines `PrivateKey` and
/// `PresharedKey`.
enum KeyFile {
    static let rule = "44 characters of base64, as `wg genkey` prints them"
    static let maxBytes = 65_536

    /// Reads the file; `-` is standard input.
    ///
    /// `warn` is told when others may read the file.
    static func read(path: String, warn: (String) -> Void) throws(Failure) -> SecretText {
        do {
            let file = try path == "-" ? Descriptor(number: dup(STDIN_FILENO)) : Descriptor(path: path, flags: O_RDONLY)
            let status = try file.status()
            if status.isRegularFile, status.isOpenToOthers {
                warn("\(path) can be read by others; chmod 600 it")
            }
            return try read(file)
        } catch let error as SystemError {
            throw Failure(.failure, "cannot read the key from \(path): \(error)")
        } catch let error as KeyError {
            throw Failure(error)
        } catch {
            throw Failure(.failure, "cannot read the key from \(path)")
        }
    }

    private static func read(_ file: borrowing Descriptor) throws -> SecretText {
        var text = try SecretText(capacity: maxBytes)
        let number = file.number
        while text.room > 0 {
            let before = text.byteCount
            try unsafe text.fill { (free) throws(SystemError) in
                while true {
                    let count = unsafe Glibc.read(number, free.baseAddress, free.count)
                    if count >= 0 { return count }
                    guard errno == EINTR else { throw SystemError.current }
                }
            }
            if text.byteCount == before { break }
        }
        return text
    }

    static func privateKey(in text: borrowing SecretText) throws(Failure) -> PrivateKey {
        do {
            return try unsafe text.withUnsafeBytes { (bytes) throws(KeyError) in
                try unsafe PrivateKey(base64: value(of: "PrivateKey", in: bytes) ?? bytes)
            }
        } catch {
            throw Failure(error)
        }
    }

    /// nil when there is no line for it, unless `orAlone` says that the file may hold nothing else.
    static func presharedKey(in text: borrowing SecretText, orAlone: Bool) throws(Failure) -> PresharedKey? {
        do {
            return try unsafe text.withUnsafeBytes { (bytes) throws(KeyError) -> PresharedKey? in
                let value = unsafe value(of: "PresharedKey", in: bytes)
                guard let part = unsafe value ?? (orAlone ? bytes : nil) else { return nil }
                return try unsafe PresharedKey(base64: part)
            }
        } catch {
            throw Failure(error)
        }
    }

    /// The value of the first line `name = …`.
    private static func value(of name: String, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let label = Array(name.utf8)
        return unsafe bytes.split(separator: UInt8(ascii: "\n")).lazy.compactMap {
            unsafe value(ofLine: $0, label)
        }.first
    }

    private static func value(
        ofLine line: Slice<UnsafeRawBufferPointer>,
        _ label: [UInt8]
    ) -> UnsafeRawBufferPointer? {
        let start = unsafe line.drop(while: isBlank)
        guard unsafe start.starts(with: label) else { return nil }
        let rest = unsafe start.dropFirst(label.count).drop(while: isBlank)
        guard unsafe rest.first == UInt8(ascii: "=") else { return nil }
        let value = unsafe rest.dropFirst().drop(while: isBlank)
        return unsafe UnsafeRawBufferPointer(rebasing: value.prefix { $0 > 32 && $0 != UInt8(ascii: "#") })
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
