// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import wgmctl

@Suite("Remembered tokens")
struct TokenCacheTests {
    let folder: Folder
    let cache: TokenCache
    let now = Timestamp(milliseconds: 1_700_000_000_000)
    let token = CachedToken(token: "abc.def", expires: Timestamp(milliseconds: 1_700_000_900_000))
    private let name: String

    init() throws {
        let folder = try Folder()
        self.folder = folder
        cache = try #require(TokenCache(socket: "/run/a") { $0 == "XDG_RUNTIME_DIR" ? folder.path : nil })
        name = "wgm/token-L3J1bi9h"
    }

    @Test("A token is read back, from a file and a folder for nobody else")
    func roundTrip() throws {
        cache.write(token)
        #expect(cache.read(now: now) == token)
        #expect(try folder.mode("wgm") == 0o700)
        #expect(try folder.mode(name) == 0o600)
        cache.write(CachedToken(token: "second", expires: token.expires))
        #expect(cache.read(now: now)?.token == "second")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("wgm")).count == 1)
        cache.remove()
        #expect(cache.read(now: now) == nil)
    }

    @Test("Each socket has a token of its own")
    func otherSocket() throws {
        let path = folder.path
        let other = try #require(TokenCache(socket: "/run/b") { $0 == "XDG_RUNTIME_DIR" ? path : nil })
        cache.write(token)
        #expect(other.read(now: now) == nil)
    }

    @Test("A token that ends within 30 seconds is none")
    func expiry() {
        cache.write(token)
        #expect(cache.read(now: Timestamp(milliseconds: token.expires.milliseconds - 30_001)) != nil)
        #expect(cache.read(now: Timestamp(milliseconds: token.expires.milliseconds - 30_000)) == nil)
    }

    @Test("A symbolic link is neither read nor written through")
    func symbolicLink() throws {
        cache.write(token)
        let target = folder.file("target")
        try FileManager.default.moveItem(atPath: folder.file(name), toPath: target)
        try FileManager.default.createSymbolicLink(atPath: folder.file(name), withDestinationPath: target)
        #expect(cache.read(now: now) == nil)
        let before = try folder.text("target")
        cache.write(CachedToken(token: "second", expires: token.expires))
        #expect(try folder.text("target") == before)
        #expect(cache.read(now: now)?.token == "second")
    }

    @Test("A folder that is a symbolic link is not used")
    func linkedFolder() throws {
        let target = folder.file("target")
        let permissions: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
        try FileManager.default.createDirectory(
            atPath: target,
            withIntermediateDirectories: false,
            attributes: permissions
        )
        try FileManager.default.createSymbolicLink(atPath: folder.file("wgm"), withDestinationPath: target)
        cache.write(token)
        #expect(cache.read(now: now) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: target).isEmpty)
    }

    @Test("A file or folder that others may touch is not used", arguments: [("file", 0o644), ("folder", 0o755)])
    func modes(kind: String, mode: Int) throws {
        cache.write(token)
        let path = folder.file(kind == "file" ? name : "wgm")
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(cache.read(now: now) == nil)
    }

    @Test("What belongs to somebody else is not used")
    func owner() throws {
        try #require(geteuid() == 0, "only root can give a folder away")
        try FileManager.default.createDirectory(atPath: folder.file("wgm"), withIntermediateDirectories: false)
        try FileManager.default.setAttributes(
            [.ownerAccountID: 65534, .posixPermissions: 0o700],
            ofItemAtPath: folder.file("wgm")
        )
        cache.write(token)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("wgm")).isEmpty)
    }

    @Test(
        "A file that is not a token is none",
        arguments: ["", "x\ny\n", "1700000900000\n", "1700000900000\n\n", "1700000900000\na\nb\n", "1700000900000\na"]
    )
    func garbage(text: String) throws {
        cache.write(token)
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.file(name))
        #expect(cache.read(now: now) == nil)
    }

    @Test("Without a runtime folder the user's cache folder is used")
    func homeFolder() throws {
        let path = folder.path
        let home = try #require(TokenCache(socket: "/run/a") { $0 == "HOME" ? path : nil })
        home.write(token)
        #expect(home.read(now: now) == token)
        #expect(folder.exists(".cache/wgm/token-L3J1bi9h"))
        #expect(TokenCache(socket: "/run/a") { _ in nil } == nil)
        #expect(TokenCache(socket: "/run/a") { _ in "relative" } == nil)
    }
}
