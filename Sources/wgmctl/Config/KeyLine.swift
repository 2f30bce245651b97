// SPDX-License-Identifier: Apache-2.0

internal import WGMKeys
internal import WGMModel

/// What stands in a configuration where the peer's private key belongs.
enum KeyLine: ~Copyable {
    case key(PrivateKey)
    /// A text that is no key, so that wg-quick refuses the file until somebody replaces it.
    case placeholder
    /// No line: the peer sets its key by its own means.
    case omitted

    /// The public half of the key; nil when there is none.
    var publicKey: PublicKey? {
        switch self {
        case .key(let key): key.publicKey
        case .placeholder: nil
        case .omitted: nil
        }
    }
}

/// What stands in a configuration where the preshared key belongs.
enum PresharedLine: ~Copyable {
    case key(PresharedKey)
    /// The peer has one that this program was not told.
    case placeholder
    case absent

    var isKnown: Bool {
        switch self {
        case .key: true
        default: false
        }
    }
}
