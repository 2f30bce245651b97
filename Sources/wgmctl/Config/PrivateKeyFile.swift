// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeys

/// A file with a private key: the key alone, as `wg genkey` prints it, or a wg-quick file with a `PrivateKey` line.
enum PrivateKeyFile {
    static let rule = "44 characters of base64, as `wg genkey` prints them"
    static let maxBytes = 65_536

    /// Reads the key; `-` is standard input.
    ///
    /// `warn` is told when others may read the file.
    static func read(path: String, warn: (String) -> Void) throws(Failure) -> PrivateKey {
        let text: SecretText
        do {
            let file = try path == "-" ? Descriptor(number: dup(STDIN_FILENO)) : Descriptor(path: path, flags: O_RDONLY)
            let status = try file.status()
            if status.isRegularFile, status.isOpenToOthers {
                warn("\(path) can be read by others; chmod 600 it")
            }
            text = try read(file)
        } catch let error as SystemError {
            throw Failure(.failure, "cannot read the private key from \(path): \(error)")
        } catch let error as KeyError {
            throw Failure(error)
        } catch {
            throw Failure(.failure, "cannot read the private key from \(path)")
        }
        return try key(in: text)
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

    static func key(in text: borrowing SecretText) throws(Failure) -> PrivateKey {
        do {
            return try unsafe text.withUnsafeBytes { (bytes) throws(KeyError) in
                try unsafe PrivateKey(base64: keyPart(of: bytes))
            }
        } catch {
            throw Failure(error)
        }
    }

    /// The value of the line `PrivateKey = …` when there is one, else everything.
    private static func keyPart(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let values = unsafe bytes.split(separator: UInt8(ascii: "\n")).lazy.compactMap { unsafe value(ofLine: $0) }
        return unsafe values.first ?? bytes
    }

    private static func value(ofLine line: Slice<UnsafeRawBufferPointer>) -> UnsafeRawBufferPointer? {
        let label = Array("PrivateKey".utf8)
        let start = unsafe line.drop(while: isBlank)
        guard unsafe start.starts(with: label) else { return nil }
        let rest = unsafe start.dropFirst(label.count).drop(while: isBlank)
        guard unsafe rest.first == UInt8(ascii: "=") else { return nil }
        let value = unsafe rest.dropFirst().drop(while: isBlank)
        return unsafe UnsafeRawBufferPointer(rebasing: value.prefix { $0 > 32 && $0 != UInt8(ascii: "#") })
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
