// SPDX-License-Identifier: Apache-2.0
internal import WGMKeeperProtocol
internal import WGMModel

/// Every layout of the keeper's protocol, chosen by the first byte.
///
/// What is read has one form only: written again it is the same bytes, or, where sets are in it, the same value.
struct KeeperPackets: FuzzTarget {
    static let name = "keeper-packets"

    init() {}

    func run(_ input: [UInt8]) throws {
        let packet = Array(input.dropFirst())
        switch input.first {
        case 0:
            guard let request = try? Request(decoding: packet) else { return }
            try require(request.encoded() == packet, "written again, the request differs")
        case 1:
            guard let reply = try? Reply(decoding: packet) else { return }
            let again = try Reply(decoding: reply.encoded())
            try require(again == reply, "written again, the reply differs")
        case 2:
            guard let actual = try? ActualInterface(decoding: packet) else { return }
            try require(try ActualInterface(decoding: actual.encoded()) == actual, "written again, the dump differs")
        case 3:
            guard let owners = try? OwnedInterfaces.decode(packet) else { return }
            let again = try OwnedInterfaces.decode(OwnedInterfaces.encoded(owners))
            try require(again == owners, "written again, the list differs")
        case 4:
            guard let identity = try? KeeperIdentity(decoding: packet) else { return }
            try require(identity.encoded() == packet, "written again, the identity differs")
        case 5:
            guard let key = try? GeneratedKey(decoding: packet) else { return }
            try require(key.encoded() == packet, "written again, the key differs")
        case 6:
            guard let secrets = try? SealedSecret.decode(packet) else { return }
            try require(SealedSecret.encoded(secrets) == packet, "written again, the secrets differ")
        default: break
        }
    }
}
