// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The test vectors of project Wycheproof that lie beside this file.
enum Wycheproof {
    struct File<Group: Decodable>: Decodable {
        let numberOfTests: Int
        let testGroups: [Group]
    }

    struct SignatureGroup: Decodable {
        struct Key: Decodable {
            let pk: String
        }
        let publicKey: Key
        let tests: [SignatureVector]
    }

    struct SignatureVector: Decodable {
        let tcId: Int
        let msg, sig, result: String
    }

    struct ExchangeGroup: Decodable {
        let tests: [ExchangeVector]
    }

    struct ExchangeVector: Decodable {
        let tcId: Int
        let `public`, `private`, shared, result: String
    }

    struct BoxGroup: Decodable {
        let tests: [BoxVector]
    }

    struct BoxVector: Decodable {
        let tcId: Int
        let key, iv, aad, msg, ct, tag, result: String
    }

    static func read<Group: Decodable>(_ name: String, _: Group.Type) throws -> File<Group> {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
        return try JSONDecoder().decode(File<Group>.self, from: Data(contentsOf: folder.appending(path: name)))
    }
}

func bytes(hex: String) -> [UInt8] {
    stride(from: 0, to: hex.utf8.count, by: 2).compactMap { offset in
        let start = hex.index(hex.startIndex, offsetBy: offset)
        return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16)
    }
}
