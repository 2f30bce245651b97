// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A file that holds nothing but a token, as `wgmctl token issue --output-file` writes it.
enum TokenFile {
    static let maxBytes = 8192

    /// Reads the token; `warn` is told when others may read the file.
    static func read(path: String, warn: (String) -> Void) throws(Failure) -> String {
        let bytes: [UInt8]?
        do {
            let file = try Descriptor(path: path, flags: O_RDONLY)
            if try file.status().isOpenToOthers { warn("\(path) can be read by others; chmod 600 it") }
            bytes = try file.readAll(limit: maxBytes)
        } catch {
            throw Failure(.failure, "cannot read the token file \(path): \(error)")
        }
        let text = bytes.flatMap { String(validating: $0, as: UTF8.self) }?.trimmed
        guard let text, !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw Failure(
                .failure,
                "\(path) holds no token",
                hint: "wgmctl token issue --output-file \(path) makes such a file"
            )
        }
        return text
    }
}
