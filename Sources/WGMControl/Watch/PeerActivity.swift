// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// Whether a peer is there, as far as the kernel's last answer tells.
package enum PeerActivity: UInt8, Hashable, Sendable {
    /// No handshake was ever seen.
    case never = 0
    case up = 1
    /// Not heard for a while, and nothing says that it should have been.
    case idle = 2
    /// Not heard although keepalives are on.
    case stale = 3
    /// Not heard for long although keepalives are on.
    case down = 4
}

extension PeerActivity {
    /// Seconds after which WireGuard itself takes no more data of a session (REJECT_AFTER_TIME).
    private static let sessionLasts: Int64 = 180
    /// Seconds after which a peer that should have been heard counts as gone.
    private static let patience: Int64 = 600

    /// The one place where the state of a watched peer comes from: the age of its last handshake, and whether it has keepalives.
    ///
    /// `actual` is what the kernel held at that moment; nil when it did not have the peer.
    static func judge(_ record: PeerRecord, _ actual: ActualPeer?, at moment: Timestamp) -> PeerActivity {
        guard let handshake = actual?.lastHandshake else { return .never }
        let age = moment.seconds - handshake.seconds
        if age < sessionLasts { return .up }
        guard record.keepalive > 0 else { return .idle }
        return age < patience ? .stale : .down
    }
}
