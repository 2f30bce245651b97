// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension HistoryPoint {
    init(revision: Int64?, milliseconds: Int64?) {
        self = revision.map { .revision($0) } ?? milliseconds.map { .time(Timestamp(milliseconds: $0)) } ?? .newest
    }
}

extension V1.Revision {
    init(_ record: RevisionRecord) {
        self.init(
            number: record.number,
            timeUnixMs: record.time.milliseconds,
            principal: record.principal,
            method: record.method,
            summary: record.summary,
            reason: record.reason.isEmpty ? nil : record.reason,
            requestId: record.requestID.isEmpty ? nil : record.requestID
        )
    }
}

extension V1.ChangedObject {
    init(_ difference: ObjectDifference) {
        self.init(
            interface: difference.interface,
            peer: difference.peer,
            attributes: difference.attributes.map {
                V1.ChangedAttribute(attribute: $0.name, before: $0.before, after: $0.after)
            }
        )
        change =
            switch difference.kind {
            case .changed: .changed
            case .created: .created
            case .deleted: .deleted
            }
    }
}

extension V1.Peer {
    init(_ peer: PastPeer, named name: String?, of interface: String?) {
        let own = peer.addresses.compactMap { IPAddress($0).map { IPPrefix(host: $0).description } }
        self.init(
            interface: interface,
            name: name,
            publicKey: peer.publicKey,
            enabled: peer.isEnabled,
            addresses: peer.addresses,
            allowedAddresses: own + peer.routed,
            endpoint: peer.endpoint?.description,
            keepaliveS: peer.keepalive == 0 ? nil : UInt32(clamping: peer.keepalive),
            comment: peer.comment.isEmpty ? nil : peer.comment,
            revision: peer.revision,
            createdUnixMs: peer.created?.milliseconds,
            hasPresharedKey: peer.hasPresharedKey ? true : nil,
            validFromUnixMs: peer.validFrom?.milliseconds,
            validUntilUnixMs: peer.validUntil?.milliseconds
        )
    }
}

extension V1.AddressHolder {
    init(_ holder: AddressHolder) {
        self.init(
            interface: holder.interface,
            peer: holder.peer,
            prefix: holder.prefix,
            publicKey: holder.publicKey,
            enabled: holder.isEnabled,
            revision: holder.revision,
            sinceUnixMs: holder.since.milliseconds
        )
    }
}
