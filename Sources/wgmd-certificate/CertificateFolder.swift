// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import SwiftASN1
import X509

/// The folder of an authority: certificates that all may read, keys for their owner alone; nothing is ever overwritten.
struct CertificateFolder {
    let path: String

    init(path: String) throws(StartError) {
        self.path = path
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw .system("cannot make the folder \(path)", cure: "make its parent folder first")
        }
    }

    func certificatePath(_ name: String) -> String { "\(path)/\(name).pem" }
    func keyPath(_ name: String) -> String { "\(path)/\(name).key" }

    /// The authority of this folder; it is made when there is none.
    func authority(now: Date) throws -> (CertificateAuthority, isNew: Bool) {
        let (certificate, key) = (certificatePath("ca"), keyPath("ca"))
        if unsafe access(certificate, F_OK) == 0 {
            guard let certificatePEM = try? String(contentsOfFile: certificate, encoding: .utf8),
                let keyPEM = try? String(contentsOfFile: key, encoding: .utf8),
                let found = try? CertificateAuthority(certificatePEM: certificatePEM, keyPEM: keyPEM)
            else { throw StartError("\(certificate) and \(key) are not an authority that this command has made") }
            return (found, false)
        }
        let made = try CertificateAuthority(name: "wgm authority", now: now)
        try write(
            "ca",
            certificate: try made.certificate.serializeAsPEM().pemString,
            key: try made.key.serializeAsPEM().pemString
        )
        return (made, true)
    }

    /// Writes both, or says what is in the way; `owner` gets the key.
    func write(_ name: String, certificate: String, key: String, owner: Account? = nil) throws {
        for path in [certificatePath(name), keyPath(name)] where unsafe access(path, F_OK) == 0 {
            throw StartError("\(path) exists already; nothing is overwritten: move it away first")
        }
        try Self.create(keyPath(name), key, mode: 0o600, owner: owner)
        try Self.create(certificatePath(name), certificate, mode: 0o644, owner: nil)
    }

    private static func create(_ path: String, _ text: String, mode: mode_t, owner: Account?) throws(StartError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .system("cannot create \(path)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8) + [10]
        guard fchmod(descriptor, mode) == 0, unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count,
            fsync(descriptor) == 0
        else { throw .system("cannot write \(path)") }
        if let owner, fchown(descriptor, owner.uid, owner.gid) != 0 {
            throw .system("cannot give \(path) to \(owner.name)")
        }
    }
}
