// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// The wanted state of one peer.
///
/// Shared by all copies until one is changed: a gateway has tens of thousands, and they are handed around as wholes.
package struct PeerRecord: Hashable, Sendable {
    private var box: Box

    package init(
        id: Int64,
        interface: InterfaceID,
        name: ObjectName,
        publicKey: PublicKey,
        isEnabled: Bool,
        addresses: [IPAddress],
        routed: [IPPrefix],
        endpoint: PeerEndpoint?,
        keepalive: UInt16,
        presharedKey: SealedPresharedKey? = nil,
        comment: String,
        validity: Validity = Validity(),
        revision: Int64,
        created: Timestamp
    ) {
        box = Box(
            Fields(
                id: id,
                interface: interface,
                name: name,
                publicKey: publicKey,
                addresses: addresses,
                routed: routed,
                presharedKey: presharedKey,
                comment: comment,
                validity: validity,
                revision: revision,
                created: created,
                endpoint: endpoint,
                keepalive: keepalive,
                isEnabled: isEnabled
            )
        )
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.box === right.box || left.box.fields == right.box.fields
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(box.fields) }

    /// Everything that WireGuard is to accept from, and send to, this peer.
    package var allowedAddresses: [IPPrefix] { addresses.map { IPPrefix(host: $0) } + routed }

    private struct Fields: Hashable {
        var id: Int64
        var interface: InterfaceID
        var name: ObjectName
        var publicKey: PublicKey
        var addresses: [IPAddress]
        var routed: [IPPrefix]
        var presharedKey: SealedPresharedKey?
        var comment: String
        var validity: Validity
        var revision: Int64
        var created: Timestamp
        var endpoint: PeerEndpoint?
        var keepalive: UInt16
        var isEnabled: Bool
    }

    /// Written to only by the one record that holds it.
    private final class Box: @unchecked Sendable {
        var fields: Fields
        init(_ fields: Fields) { self.fields = fields }
    }

    private var fields: Fields {
        get { box.fields }
        set {
            if isKnownUniquelyReferenced(&box) { box.fields = newValue } else { box = Box(newValue) }
        }
    }
}

extension PeerRecord {
    package var id: Int64 {
        get { box.fields.id }
        set { fields.id = newValue }
    }
    package var interface: InterfaceID {
        get { box.fields.interface }
        set { fields.interface = newValue }
    }
    package var name: ObjectName {
        get { box.fields.name }
        set { fields.name = newValue }
    }
    package var publicKey: PublicKey {
        get { box.fields.publicKey }
        set { fields.publicKey = newValue }
    }
    package var isEnabled: Bool {
        get { box.fields.isEnabled }
        set { fields.isEnabled = newValue }
    }
    /// The peer's own addresses, each routed to it as a host prefix.
    package var addresses: [IPAddress] {
        get { box.fields.addresses }
        set { fields.addresses = newValue }
    }
    /// Prefixes behind the peer.
    package var routed: [IPPrefix] {
        get { box.fields.routed }
        set { fields.routed = newValue }
    }
    package var endpoint: PeerEndpoint? {
        get { box.fields.endpoint }
        set { fields.endpoint = newValue }
    }
    /// Seconds; 0 is off.
    package var keepalive: UInt16 {
        get { box.fields.keepalive }
        set { fields.keepalive = newValue }
    }
    /// nil when there is none.
    package var presharedKey: SealedPresharedKey? {
        get { box.fields.presharedKey }
        set { fields.presharedKey = newValue }
    }
    package var comment: String {
        get { box.fields.comment }
        set { fields.comment = newValue }
    }
    package var validity: Validity {
        get { box.fields.validity }
        set { fields.validity = newValue }
    }
    package var revision: Int64 {
        get { box.fields.revision }
        set { fields.revision = newValue }
    }
    package var created: Timestamp {
        get { box.fields.created }
        set { fields.created = newValue }
    }
}
