// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMKeeper
import WGMKeeperProtocol
import WGMModel

@testable import WGMKeys

@Suite("A hostile wgmd")
struct HostileTests {
    /// Real writes, but no waiting for the disk: the number of packets is what counts here.
    private let quickDisk = Disk(append: Disk.real.append) { _ in 0 }

    @Test("gets a proper reply or a closed connection for 100 000 mutated packets, and never a secret")
    func mutated() throws {
        let folder = try TemporaryFolder()
        var bench = try Bench(folder, disk: quickDisk)
        let identity = try bench.hello()
        let secrets = try Secrets(folder)
        let corpus =
            Sample.requests.map { $0.encoded() } + [
                Request(
                    number: 1,
                    .signToken(Sample.tokenInput(keyID: identity.signingKeyID, at: Timestamp(seconds: 1)))
                ).encoded()
            ]
        bench.recording.actual = Sample.actual(peers: 3)
        var random = SeededGenerator(state: 1)
        var counts = (closed: 0, failed: 0, done: 0)
        for _ in 0..<100_000 {
            let packet = Self.mutate(corpus, &random)
            switch bench.keeper.answer(packet, at: Timestamp(seconds: 1)) {
            case .close:
                counts.closed += 1
                bench.keeper.beginConnection()
                _ = try bench.hello()
            case .replies(let replies):
                for bytes in replies {
                    let reply = try Reply(decoding: bytes)
                    if reply.failure == nil { counts.done += 1 } else { counts.failed += 1 }
                    #expect(!secrets.occur(in: bytes))
                }
            }
            bench.recording.changes.removeAll(keepingCapacity: true)
        }
        #expect(counts.closed > 5_000 && counts.failed > 100 && counts.done > 1000, "\(counts)")
    }

    @Test("gets nothing but a closed connection for 20 000 random packets")
    func random() throws {
        let folder = try TemporaryFolder()
        var bench = try Bench(folder, disk: quickDisk)
        _ = try bench.hello()
        var random = SeededGenerator(state: 2)
        for _ in 0..<20_000 {
            let length = Int.random(in: 0..<200, using: &random)
            let packet = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            guard case .close = bench.keeper.answer(packet, at: Timestamp(seconds: 1)) else {
                Issue.record("an answer to \(packet)")
                continue
            }
            bench.keeper.beginConnection()
            _ = try bench.hello()
        }
    }

    @Test("cannot crash the decoding of replies and dumps either")
    func replies() throws {
        var random = SeededGenerator(state: 3)
        let dump = Sample.actual(peers: 3).encoded()
        let corpus = [dump, Reply(number: 1, kind: .dump, payload: dump).encoded()]
        for _ in 0..<50_000 {
            let bytes = Self.mutate(corpus, &random)
            _ = try? ActualInterface(decoding: bytes)
            _ = try? Reply(decoding: bytes)
            _ = try? KeeperIdentity(decoding: bytes)
            _ = try? GeneratedKey(decoding: bytes)
            _ = try? OwnedInterfaces.decode(bytes)
        }
    }

    @Test("is refused a packet above the limit")
    func tooLarge() throws {
        let folder = try TemporaryFolder()
        var bench = try Bench(folder)
        let packet = [UInt8](repeating: 0, count: PacketLimit.packet + 1)
        #expect(bench.keeper.answer(packet, at: .now) == .close(.malformed(.tooLarge)))
    }

    private static func mutate(_ corpus: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = corpus.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[index] = .random(in: .min ... .max, using: &random)
            case 2: bytes[index] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
            case 3: bytes.removeLast(bytes.count - index)
            case 4: bytes.insert(.random(in: .min ... .max, using: &random), at: index)
            default:
                let other = corpus.randomElement(using: &random) ?? []
                bytes.replaceSubrange(index..., with: other.dropFirst(index))
            }
        }
        return bytes
    }
}

/// The secrets of a keeper in the forms in which they could leak: raw, hex and base64.
struct Secrets {
    private var forms: [Data] = []

    init() {}

    init(_ folder: TemporaryFolder) throws {
        add(Data(try folder.bytes("kek")))
        let keys = try KeyFolder(folder.path).open(given: nil)
        unsafe add(Data(keys.signing.seed.buffer))
    }

    mutating func add(_ secret: Data) {
        forms += [
            secret, Data(secret.map { String(format: "%02x", $0) }.joined().utf8),
            Data(secret.base64EncodedString().utf8),
        ]
    }

    func occur(in bytes: [UInt8]) -> Bool {
        let data = Data(bytes)
        return forms.contains { data.range(of: $0) != nil }
    }
}
