// SPDX-License-Identifier: Apache-2.0

import CSodium

/// An Ed25519 key that tests sign with; the real one lives in the keeper.
struct TestSigner: Sendable {
    let keyID: String
    let publicKey: [UInt8]
    private let secretKey: [UInt8]

    init(keyID: String = "testkey000000000") {
        self.keyID = keyID
        precondition(sodium_init() >= 0)
        var publicKey = [UInt8](repeating: 0, count: 32)
        var secretKey = [UInt8](repeating: 0, count: 64)
        unsafe crypto_sign_keypair(&publicKey, &secretKey)
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    func sign(_ message: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: 64)
        unsafe crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey)
        return signature
    }
}
