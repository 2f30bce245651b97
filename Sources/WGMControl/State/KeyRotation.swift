// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// One key pair of an interface; the private key only the keeper can open.
package struct InterfaceKey: Hashable, Sendable {
    package var publicKey: PublicKey
    package var sealed: SealedKey

    package init(publicKey: PublicKey, sealed: SealedKey) {
        self.publicKey = publicKey
        self.sealed = sealed
    }
}

/// The way of an interface from one key to the next.
///
/// WireGuard has one key per interface at a time, so what can overlap is that both are known: the next one is published before
/// it is in force, and the one before can be put back.
package enum KeyRotation: Hashable, Sendable {
    /// The next key, in force from that moment on; without one when somebody says so.
    case announced(InterfaceKey, at: Timestamp?)
    /// The key that was in force until that moment.
    case switched(from: InterfaceKey, at: Timestamp)

    /// The one that is not in force.
    package var other: InterfaceKey {
        switch self {
        case .announced(let key, _), .switched(from: let key, _): key
        }
    }

    /// Since when the present key is the one that is wanted.
    package var switched: Timestamp? {
        guard case .switched(_, let moment) = self else { return nil }
        return moment
    }

    package var next: PublicKey? {
        guard case .announced(let key, _) = self else { return nil }
        return key.publicKey
    }

    /// When the next key is to be put in force.
    package var due: Timestamp? {
        guard case .announced(_, let moment) = self else { return nil }
        return moment
    }
}

/// One step of that way.
package enum KeyStep: Hashable, Sendable {
    /// Makes this the next key. When one is announced already that one stays, and gets the moment, which must be said then.
    case announce(InterfaceKey, at: Timestamp?, now: Timestamp)
    /// Puts the next key in force, or this one when none is announced.
    case switchOver(InterfaceKey?, now: Timestamp)
    /// Forgets the next key.
    case cancel
    /// Puts the key before in force again; the present one is the next then.
    case undo
    /// Forgets the key before.
    case finish
    /// Makes everything as it was before a step that the kernel refused.
    case putBack(InterfaceKey, KeyRotation?)

    /// For the list of revisions.
    package var summary: String {
        switch self {
        case .announce(_, nil, _): "announce the next key"
        case .announce(_, .some, _): "announce the next key with its moment"
        case .switchOver: "put the next key in force"
        case .cancel: "forget the next key"
        case .undo: "put the key before in force again"
        case .finish: "forget the key before"
        case .putBack: "put back the keys"
        }
    }

    /// The interface after the step; refuses one that does not fit.
    package func applied(to record: InterfaceRecord) throws(StoreFailure) -> InterfaceRecord {
        var record = record
        let present = record.key
        switch (self, record.rotation) {
        case (.announce(_, let moment?, let now), _) where moment <= now: throw .momentOver
        case (.announce(_, nil, _), .announced(let next, _)):
            throw .keyRotation(
                record.name,
                "the key \(next.publicKey) is announced already; say when it is to be in force, or cancel it first"
            )
        case (.announce(_, let moment, _), .announced(let next, _)): record.rotation = .announced(next, at: moment)
        case (.switchOver, .switched(_, let at)):
            throw .keyRotation(
                record.name,
                "its key was switched at \(at) already, and peers may have the one before; finish or undo that first"
            )
        case (.announce(let key, let moment, _), _): record.rotation = .announced(key, at: moment)
        case (.switchOver(_, let now), .announced(let next, _)), (.switchOver(.some(let next), let now), _):
            record.use(next)
            record.rotation = .switched(from: present, at: now)
        case (.undo, .switched(let former, _)):
            record.use(former)
            record.rotation = .announced(present, at: nil)
        case (.cancel, .announced), (.finish, .switched): record.rotation = nil
        case (.putBack(let key, let rotation), _):
            record.use(key)
            record.rotation = rotation
        case (.switchOver, _), (.cancel, _): throw .keyRotation(record.name, "no next key is announced")
        case (.undo, _): throw .keyRotation(record.name, "no key before the present one is kept")
        case (.finish, _): throw .keyRotation(record.name, "no rotation of its key is to be finished")
        }
        return record
    }
}

extension InterfaceRecord {
    var key: InterfaceKey { InterfaceKey(publicKey: publicKey, sealed: sealedKey) }

    /// True of the present key, and of the one before or after it: WireGuard ignores a peer that has the interface's own.
    package func hasKey(_ key: PublicKey) -> Bool { key == publicKey || key == rotation?.other.publicKey }

    fileprivate mutating func use(_ key: InterfaceKey) {
        publicKey = key.publicKey
        sealedKey = key.sealed
    }
}
