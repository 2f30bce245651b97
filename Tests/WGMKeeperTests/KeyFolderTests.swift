// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMKeeper
import WGMKeys

@Suite("The key folder")
struct KeyFolderTests {
    private let folder: TemporaryFolder
    private let keys: KeyFolder

    init() throws {
        folder = try TemporaryFolder()
        keys = KeyFolder(folder.path)
    }

    private func state() throws -> [String: [UInt8]] {
        var state: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            state[name] = try folder.bytes(name)
        }
        return state
    }

    private func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: folder.path + "/" + name)[.posixPermissions] as? Int
    }

    @Test("gets both keys at the very first start, for its user alone")
    func first() throws {
        let isReady = try keys.open(given: nil).isReady
        #expect(isReady)
        #expect(try Set(state().keys) == ["kek", "signing-key"])
        #expect(try mode("kek") == 0o600 && mode("signing-key") == 0o600)
    }

    @Test("gives the same keys at the next start")
    func second() throws {
        let first = try keys.open(given: nil)
        let second = try keys.open(given: nil)
        let publicKeys = [first.signing.publicKey, second.signing.publicKey]
        #expect(publicKeys[0] == publicKeys[1])
    }

    @Test("is sealed, and left as it is, when the key-encryption key is missing")
    func missing() throws {
        _ = try keys.open(given: nil)
        try FileManager.default.removeItem(atPath: folder.path + "/kek")
        let before = try state()
        let isReady = try keys.open(given: nil).isReady
        #expect(!isReady)
        #expect(try state() == before)
    }

    @Test("is sealed, and left as it is, under another key-encryption key")
    func other() throws {
        _ = try keys.open(given: nil)
        let before = try state()
        let isReady = try keys.open(given: SealingKey.generate()).isReady
        #expect(!isReady)
        #expect(try state() == before)
    }

    @Test("is sealed, and left as it is, when the signing key is damaged", arguments: [0, 5, 76])
    func damaged(length: Int) throws {
        _ = try keys.open(given: nil)
        try Data(folder.bytes("signing-key").prefix(length)).write(to: URL(filePath: keys.signingKeyPath))
        let before = try state()
        let isReady = try keys.open(given: nil).isReady
        #expect(!isReady)
        #expect(try state() == before)
    }

    @Test("refuses a key that others can read, and says how to change that", arguments: [0o640, 0o604, 0o660, 0o601])
    func readable(mode: Int) throws {
        _ = try keys.open(given: nil)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: keys.sealingKeyPath)
        #expect(throws: KeyFolderError.readableByOthers(path: keys.sealingKeyPath)) { _ = try keys.open(given: nil) }
        #expect(KeyFolderError.readableByOthers(path: "/x").description.contains("chmod 600 /x"))
    }

    @Test("refuses a key file of another length, and a symbolic link")
    func wrongFile() throws {
        _ = try keys.open(given: nil)
        let key = try folder.bytes("kek")
        for bytes in [[], Array(key.dropLast()), key + [0], [UInt8](repeating: 0, count: 32)] {
            try Data(bytes).write(to: URL(filePath: keys.sealingKeyPath))
            #expect(throws: KeyFolderError.notAKey(path: keys.sealingKeyPath)) { _ = try keys.open(given: nil) }
        }
        try FileManager.default.moveItem(atPath: keys.sealingKeyPath, toPath: folder.path + "/elsewhere")
        try FileManager.default.createSymbolicLink(
            atPath: keys.sealingKeyPath,
            withDestinationPath: folder.path + "/elsewhere"
        )
        #expect(throws: KeyFolderError.self) { _ = try keys.open(given: nil) }
    }

    @Test("a key file that is there is never replaced")
    func exclusive() throws {
        _ = try SealingKeyFile.make(keys.sealingKeyPath)
        let before = try state()
        #expect(throws: KeyFolderError.self) { _ = try SealingKeyFile.make(keys.sealingKeyPath) }
        #expect(try folder.bytes("kek") == before["kek"])
    }
}
