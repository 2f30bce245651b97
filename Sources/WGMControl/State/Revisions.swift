// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Who changed what, when and why.
package struct RevisionRecord: Hashable, Sendable {
    package var number: Int64
    package var time: Timestamp
    /// nil for what wgmd did by itself.
    package var principal: String?
    package var method: String
    package var summary: String
    package var reason: String
    package var requestID: String

    package init(
        number: Int64,
        time: Timestamp,
        principal: String?,
        method: String,
        summary: String,
        reason: String,
        requestID: String
    ) {
        self.number = number
        self.time = time
        self.principal = principal
        self.method = method
        self.summary = summary
        self.reason = reason
        self.requestID = requestID
    }
}

/// A moment of the history.
package enum HistoryPoint: Hashable, Sendable {
    case newest
    case revision(Int64)
    case time(Timestamp)
}

/// An interface or peer that differs between two moments.
package struct ObjectDifference: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case changed, created, deleted }
    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var before: String?
        package var after: String?

        package init(name: String, before: String?, after: String?) {
            self.name = name
            self.before = before
            self.after = after
        }
    }
    package var interface: String
    /// nil for the interface itself.
    package var peer: String?
    package var kind: Kind
    package var attributes: [Attribute]

    package init(interface: String, peer: String?, kind: Kind, attributes: [Attribute]) {
        self.interface = interface
        self.peer = peer
        self.kind = kind
        self.attributes = attributes
    }
}

/// What differs, as far as it was read.
package struct Differences: Hashable, Sendable {
    package var objects: [ObjectDifference]
    package var isTruncated: Bool

    package init(objects: [ObjectDifference], isTruncated: Bool) {
        self.objects = objects
        self.isTruncated = isTruncated
    }
}

/// A peer as it once was.
package struct PastPeer: Hashable, Sendable {
    package var publicKey: String
    package var isEnabled: Bool
    package var addresses: [String]
    package var routed: [String]
    package var endpoint: PeerEndpoint?
    package var keepalive: Int64
    package var hasPresharedKey: Bool
    package var comment: String
    package var validFrom: Timestamp?
    package var validUntil: Timestamp?
    package var created: Timestamp?
    /// The one that had changed it last.
    package var revision: Int64
    /// The moment that was asked for: a revision's, or the time's.
    package var moment: Timestamp

    package init(
        publicKey: String,
        isEnabled: Bool,
        addresses: [String],
        routed: [String],
        endpoint: PeerEndpoint?,
        keepalive: Int64,
        hasPresharedKey: Bool,
        comment: String,
        validFrom: Timestamp?,
        validUntil: Timestamp?,
        created: Timestamp?,
        revision: Int64,
        moment: Timestamp
    ) {
        self.publicKey = publicKey
        self.isEnabled = isEnabled
        self.addresses = addresses
        self.routed = routed
        self.endpoint = endpoint
        self.keepalive = keepalive
        self.hasPresharedKey = hasPresharedKey
        self.comment = comment
        self.validFrom = validFrom
        self.validUntil = validUntil
        self.created = created
        self.revision = revision
        self.moment = moment
    }
}

/// Who held a prefix with an address in it.
package struct AddressHolder: Hashable, Sendable {
    package var interface: String
    /// nil for the gateway itself.
    package var peer: String?
    package var prefix: String
    package var publicKey: String
    /// Whether it was let in at that moment; of the gateway itself, whether the interface was up.
    package var isEnabled: Bool
    package var revision: Int64
    package var since: Timestamp

    package init(
        interface: String,
        peer: String?,
        prefix: String,
        publicKey: String,
        isEnabled: Bool,
        revision: Int64,
        since: Timestamp
    ) {
        self.interface = interface
        self.peer = peer
        self.prefix = prefix
        self.publicKey = publicKey
        self.isEnabled = isEnabled
        self.revision = revision
        self.since = since
    }
}
