// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import WGMKeys
internal import WGMModel

/// Why the keys of a node could not be read or made; the description is for the person who starts the keeper.
package enum KeyFolderError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(path: String, operation: String, errno: Int32)
    case readableByOthers(path: String)
    case notAKey(path: String)
    case key(KeyError)

    package var description: String {
        switch self {
        case .file(let path, let operation, let errno):
            unsafe "\(operation) \(path): \(String(cString: strerror(errno))); the keeper's user must own the folder and be able to reach it"
        case .readableByOthers(let path):
            "others can read the key-encryption key \(path): run chmod 600 \(path)"
        case .notAKey(let path):
            "\(path) is not a key-encryption key of \(SealingKey.byteCount) bytes: restore it from its backup"
        case .key(.memoryNotLocked):
            "no memory can be locked for keys: raise RLIMIT_MEMLOCK (LimitMEMLOCK= in the unit)"
        case .key(let error):
            "the keys could not be opened: \(error)"
        }
    }
}

/// A file that holds a key-encryption key: 32 raw bytes.
package enum SealingKeyFile {
    /// nil when there is no such file.
    ///
    /// `sharedWithGroup` is for systemd's credentials, whose access list shows as group bits.
    package static func read(_ path: String, sharedWithGroup: Bool = false) throws(KeyFolderError) -> SealingKey? {
        guard let file = try KeyFile(reading: path) else { return nil }
        guard try file.mode() & (sharedWithGroup ? 0o007 : 0o077) == 0 else { throw .readableByOthers(path: path) }
        var bytes = try text(capacity: SealingKey.byteCount + 1)
        try file.read(into: &bytes)
        return try key(in: bytes, path: path)
    }

    /// Makes a key and writes it; the file must not exist.
    package static func make(_ path: String) throws(KeyFolderError) -> SealingKey {
        do {
            let key = try SealingKey.generate()
            var bytes = try SecretText(capacity: SealingKey.byteCount)
            try unsafe key.withUnsafeBytes { (raw) throws(KeyError) in try unsafe bytes.append(raw) }
            try KeyFile.write(bytes, to: path)
            return key
        } catch let error as KeyError {
            throw .key(error)
        } catch let error as KeyFolderError {
            throw error
        } catch {
            throw .notAKey(path: path)
        }
    }

    private static func text(capacity: Int) throws(KeyFolderError) -> SecretText {
        do { return try SecretText(capacity: capacity) } catch { throw .key(error) }
    }

    private static func key(in bytes: borrowing SecretText, path: String) throws(KeyFolderError) -> SealingKey {
        do {
            return try unsafe bytes.withUnsafeBytes { (raw) throws(KeyError) in try unsafe SealingKey(bytes: raw) }
        } catch .wrongLength {
            throw .notAKey(path: path)
        } catch .malformed {
            throw .notAKey(path: path)
        } catch {
            throw .key(error)
        }
    }
}

/// The keys in the keeper's state folder: the sealed signing key always, the key-encryption key by default.
package struct KeyFolder: Sendable {
    private let folder: String

    package init(_ folder: String) { self.folder = folder }

    package var sealingKeyPath: String { folder + "/kek" }
    package var signingKeyPath: String { folder + "/signing-key" }

    /// True once there is anything that was sealed here.
    package var holdsSealedKeys: Bool { unsafe access(signingKeyPath, F_OK) == 0 }

    /// Opens what is there, makes what is missing at the very first start, and overwrites nothing.
    ///
    /// `given` is the key-encryption key if it came from elsewhere; else it is `kek` in the folder.
    package func open(given: consuming SealingKey?) throws(KeyFolderError) -> KeyRing {
        if let key = given { return try open(with: key) }
        if let key = try SealingKeyFile.read(sealingKeyPath) { return try open(with: key) }
        if holdsSealedKeys { return try sealed() }
        return try open(with: SealingKeyFile.make(sealingKeyPath))
    }

    /// The folder with a key-encryption key that is known to be somewhere else, but not here now.
    package func sealed() throws(KeyFolderError) -> KeyRing {
        do { return try KeyRing.sealed() } catch { throw .key(error) }
    }

    private func open(with sealing: consuming SealingKey) throws(KeyFolderError) -> KeyRing {
        guard let stored = try KeyFile(reading: signingKeyPath)?.readSealed() else {
            if holdsSealedKeys { return try sealed() }
            return try makeSigningKey(sealing)
        }
        do {
            let signing = try sealing.openSigningKey(stored)
            return KeyRing(sealing: sealing, signing: signing)
        } catch .memoryNotLocked {
            throw .key(.memoryNotLocked)
        } catch {
            return try sealed()
        }
    }

    private func makeSigningKey(_ sealing: consuming SealingKey) throws(KeyFolderError) -> KeyRing {
        let signing = try newSigningKey()
        try KeyFile.write(sealedText(of: signing, sealing), to: signingKeyPath)
        return KeyRing(sealing: sealing, signing: signing)
    }

    private func newSigningKey() throws(KeyFolderError) -> SigningKey {
        do { return try SigningKey.generate() } catch { throw .key(error) }
    }

    private func sealedText(
        of signing: borrowing SigningKey,
        _ sealing: borrowing SealingKey
    ) throws(KeyFolderError) -> SecretText {
        do {
            var bytes = try SecretText(capacity: SealedKey.byteCount)
            let sealed = try sealing.seal(signing)
            try unsafe sealed.bytes.withUnsafeBufferPointer { (raw) throws(KeyError) in
                try unsafe bytes.append(UnsafeRawBufferPointer(raw))
            }
            return bytes
        } catch {
            throw .key(error)
        }
    }
}
