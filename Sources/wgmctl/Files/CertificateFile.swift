// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMModel
internal import WGMVerify

/// The certificate that a token is bound to: a PEM file, or the digest itself.
enum CertificateFile {
    private static let maxBytes = 256 * 1024
    private static let begin = "-----BEGIN CERTIFICATE-----"
    private static let end = "-----END CERTIFICATE-----"

    /// `x5t#S256` in base64url of the first certificate in the file; the text as it is when it is a digest.
    static func digest(_ text: String) throws(Failure) -> String {
        guard !isDigest(text) else { return text }
        let bytes: [UInt8]?
        do throws(SystemError) {
            bytes = try Descriptor(path: text, flags: O_RDONLY | O_NONBLOCK).readAll(limit: maxBytes)
        } catch {
            throw Failure(.failure, "cannot read the certificate \(text): \(error)")
        }
        guard let pem = bytes.flatMap({ String(validating: $0, as: UTF8.self) }), let der = firstCertificate(pem) else {
            throw Failure(.failure, "\(text) holds no certificate in PEM form")
        }
        return Base64.encode(Hash.sha256(der), variant: .url)
    }

    private static func isDigest(_ text: String) -> Bool {
        let digits = text.utf8.filter { $0 != UInt8(ascii: ":") }
        let isHex = digits.count == 64 && digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        return isHex || Base64.decode(text.utf8, variant: .url)?.count == 32
    }

    private static func firstCertificate(_ pem: String) -> [UInt8]? {
        let lines = pem.split(whereSeparator: \.isNewline).map { String($0).trimmed }
        guard let first = lines.firstIndex(of: begin), let last = lines[first...].firstIndex(of: end) else {
            return nil
        }
        return Base64.decode(lines[(first + 1)..<last].joined().utf8, variant: .standard)
    }
}
