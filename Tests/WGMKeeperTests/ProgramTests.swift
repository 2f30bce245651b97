// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing
import WGMKeeper
import WGMKeeperProtocol
import WGMKeys
import WGMModel
import WGMVerify

@Suite("The program wgmd-keeper", .serialized)
struct ProgramTests {
    private let state: StateFolderFixture

    init() throws {
        try #require(geteuid() == 0, "these tests start the keeper as root")
        state = try StateFolderFixture()
    }

    @Test("keeps CAP_NET_ADMIN alone of root's power")
    func privileges() async throws {
        let program = try KeeperProgram(state: state.path)
        _ = try await program.client().hello()
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(try program.status(set) == "0000000000001000", "\(set)")
        }
        #expect(try program.status("NoNewPrivs") == "1")
        #expect(try program.status("Groups") == "")
        let user = try unsafe #require(unsafe getpwnam(KeeperProgram.user))
        let ids = try program.status("Uid").split(separator: "\t")
        let expected = unsafe String(user.pointee.pw_uid)
        #expect(ids.count == 4 && ids.allSatisfy { $0 == expected })
        #expect(try program.status("Threads") == "1")
        let limits = try String(contentsOfFile: "/proc/\(program.process)/limits", encoding: .utf8)
        #expect(limits.contains("Max core file size        0                    0 "))
    }

    @Test("makes keys, seals them and signs, and no reply or file shows a secret")
    func keys() throws {
        let program = try KeeperProgram(state: state.path)
        let socket = program.packets()
        var seen: [UInt8] = []
        func exchange(_ body: Request.Body) throws -> Reply {
            try socket.send(Request(number: 1, body).encoded())
            let packet = try socket.receive()
            seen += packet
            return try Reply(decoding: packet)
        }
        let identity = try KeeperIdentity(decoding: try exchange(.hello(version: Request.protocolVersion)).payload)
        let generated = try GeneratedKey(decoding: try exchange(.generateKey(Sample.owner)).payload)
        let input = Sample.tokenInput(keyID: identity.signingKeyID)
        let signature = try exchange(.signToken(input)).payload
        #expect(Signature.isValid(signature, of: input, by: identity.signingPublicKey))
        _ = try exchange(.signToken(Array("x.y".utf8)))
        let device = KernelChange.setDevice(privateKey: generated.sealed, listenPort: 1, firewallMark: nil)
        for owner in [Sample.owner, InterfaceID(1)] {
            _ = try exchange(.change(device, interface: Sample.interface("wgm-none"), owner: owner))
        }
        _ = try exchange(.ownedInterfaces)

        var secrets = try Secrets(folder: state.path)
        try secrets.addPrivateKey(generated, of: Sample.owner, under: state.path + "/kek")
        #expect(!secrets.occur(in: seen))
        for name in try FileManager.default.contentsOfDirectory(atPath: state.path) where name != "kek" {
            let file = try Data(contentsOf: URL(filePath: state.path + "/" + name))
            #expect(!secrets.occur(in: Array(file)), "\(name)")
        }
    }

    @Test("has the same signing key at the next start, and is sealed when the key-encryption key is gone")
    func restart() async throws {
        var identities: [KeeperIdentity] = []
        for round in 0..<3 {
            if round == 2 { try FileManager.default.removeItem(atPath: state.path + "/kek") }
            let program = try KeeperProgram(state: state.path)
            do {
                let client = program.client()
                identities.append(try await client.hello())
                if round == 2 {
                    let failure = await #expect(throws: KernelFailure.self) {
                        _ = try await client.generateKey(for: Sample.owner)
                    }
                    #expect(failure?.reason == .sealed)
                }
            }
            #expect(program.wait() == 0)
        }
        #expect(identities[0] == identities[1] && identities[0].state == .ready)
        #expect(identities[2].state == .sealed)
        #expect(!FileManager.default.fileExists(atPath: state.path + "/kek"))
    }

    @Test("reads a key-encryption key that only root can read, and makes it at the first start")
    func rootKey() async throws {
        let path = state.folder.path + "/root-kek"
        for _ in 0..<2 {
            let program = try KeeperProgram(state: state.path, ["--kek", path])
            #expect(try await program.client().hello().state == .ready)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.ownerAccountID] as? Int == 0 && attributes[.posixPermissions] as? Int == 0o600)
        }
        #expect(!FileManager.default.fileExists(atPath: state.path + "/kek"))
    }

    @Test("refuses a key-encryption key that others can read, with the cure")
    func readableKey() throws {
        let path = state.folder.path + "/kek"
        try Data(repeating: 7, count: 32).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let program = try KeeperProgram(state: state.path, ["--kek", path])
        #expect(program.wait() == 1)
        #expect(program.complaint().contains("run chmod 600 \(path)"))
    }

    @Test("does not run as root")
    func asRoot() throws {
        for user in [[], ["--user", "root"]] {
            let program = try KeeperProgram(["--state", state.path] + user)
            #expect(program.wait() != 0)
            #expect(program.complaint().hasPrefix("wgmd-keeper: "))
        }
    }

    @Test("refuses a state folder that another keeper holds")
    func locked() async throws {
        let first = try KeeperProgram(state: state.path)
        let client = first.client()
        _ = try await client.hello()
        let second = try KeeperProgram(state: state.path)
        #expect(second.wait() == 1)
        #expect(second.complaint().contains("another keeper uses"))
        _ = try await client.ownedInterfaces()
    }

    @Test(
        "refuses a state folder, or a folder around it, that others can change",
        arguments: [(0o755, 0o755), (0o777, 0o700)]
    )
    func openFolder(around: Int, itself: Int) throws {
        try FileManager.default.createDirectory(atPath: state.path, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: itself], ofItemAtPath: state.path)
        try FileManager.default.setAttributes([.posixPermissions: around], ofItemAtPath: state.folder.path)
        let program = try KeeperProgram(state: state.path)
        #expect(program.wait() == 1)
        let words = program.complaint()
        #expect(
            words.contains("is open to other users (mode 0\(String(around, radix: 8)))") && words.contains("chmod"),
            "\(words)"
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: state.path).isEmpty)
    }

    @Test("says which file it is when the journal cannot be opened")
    func journalIsNoFile() async throws {
        let before = try KeeperProgram(state: state.path)
        do {
            let client = before.client()
            _ = try await client.hello()
        }
        #expect(before.wait() == 0)
        try FileManager.default.removeItem(atPath: state.path + "/journal")
        try FileManager.default.createDirectory(atPath: state.path + "/journal", withIntermediateDirectories: false)
        let program = try KeeperProgram(state: state.path)
        #expect(program.wait() == 1)
        let words = program.complaint()
        #expect(
            words.contains("\(state.path): open journal: Is a directory; it must be a file of the keeper's user"),
            "\(words)"
        )
    }

    @Test("closes the connection on a packet that is no request", arguments: [0, 28, 65_536])
    func malformed(length: Int) throws {
        let program = try KeeperProgram(state: state.path)
        let socket = program.packets()
        try socket.send([UInt8](repeating: 0xff, count: length + 1).prefix(PacketLimit.packet).map(\.self))
        #expect(throws: PacketSocket.Failure.closed) { _ = try socket.receive() }
        #expect(program.wait() == 0)
        #expect(program.complaint().contains("closed the connection"))
    }

    @Test("changes nothing when the journal cannot grow")
    func fullDisk() async throws {
        let limit = ["prlimit", "--fsize=\(JournalRecord.byteCount)"]
        let program = try KeeperProgram(state: state.path, wrapper: limit)
        let client = program.client()
        _ = try await client.hello()
        let failure = await #expect(throws: KernelFailure.self) {
            try await client.apply(
                .createLink(backend: .automatic, mtu: 1420),
                to: Sample.interface("wgm-none"),
                owner: Sample.owner
            )
        }
        #expect(failure?.reason == .journal && failure?.errno == EFBIG)
        #expect(try await client.dump(Sample.interface("wgm-none")) == nil)
    }
}

extension Secrets {
    init(folder: String) throws {
        self.init()
        add(try Data(contentsOf: URL(filePath: folder + "/kek")))
    }

    mutating func addPrivateKey(_ key: GeneratedKey, of interface: InterfaceID, under keyPath: String) throws {
        let sealing = try SealingKeyFile.read(keyPath)
        guard let opened = try sealing?.openPrivateKey(key.sealed, of: interface) else {
            throw KeyFolderError.notAKey(path: keyPath)
        }
        add(unsafe opened.withUnsafeBytes { unsafe Data($0) })
    }
}
