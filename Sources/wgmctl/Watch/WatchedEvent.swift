// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// One message of Events/Watch.
struct WatchedEvent {
    let response: V1.WatchResponse

    init(_ response: V1.WatchResponse) { self.response = response }

    /// nil for a message that says only that nothing happened.
    var document: Document? {
        let (kind, content): (String, Document)
        if let change = response.change {
            (kind, content) = ("change", change.document)
        } else if let drift = response.drift {
            (kind, content) = ("drift", drift.document)
        } else if let state = response.peerState {
            (kind, content) = ("state", state.document)
        } else if let sample = response.sample {
            (kind, content) = ("sample", sample.document)
        } else if let lost = response.lost {
            (kind, content) = ("lost", .number(lost))
        } else {
            return nil
        }
        return .object([
            "event": .text(kind), kind: content, "revision": .number(response.revision),
            "time_unix_ms": .number(response.timeUnixMs),
        ])
    }
}

extension V1.RevisionEvent {
    fileprivate var document: Document {
        .object([
            "revision": revision?.document ?? .absent, "objects": .list(objects.map(\.document)),
            "truncated": .flag(truncated ?? false),
        ])
    }
}

extension V1.PeerStateEvent {
    fileprivate var document: Document {
        .object([
            "interface": .text(interface), "peer": .text(peer), "before": .text(before?.word),
            "after": .text(after?.word), "endpoint": .text(endpoint),
            "last_handshake_unix_ms": .number(lastHandshakeUnixMs),
        ])
    }
}

extension V1.InterfaceSample {
    var document: Document {
        .object([
            "interface": .text(interface), "observed_unix_ms": .number(observedUnixMs),
            "peers": .list(peers.map(\.document)), "more": .flag(more ?? false),
        ])
    }
}

extension V1.PeerSample {
    fileprivate var document: Document {
        .object([
            "name": .text(name), "enabled": .flag(enabled), "present": .flag(present),
            "total_received_bytes": .number(totalReceivedBytes), "total_sent_bytes": .number(totalSentBytes),
            "last_handshake_unix_ms": .number(lastHandshakeUnixMs), "endpoint": .text(endpoint),
            "state": .text(state?.word),
        ])
    }
}

/// Events as lines for people.
struct WatchLines {
    /// Of the sample whose parts are still coming.
    private var peers: [V1.PeerSample] = []

    /// One line for each object; empty for what is nothing to show yet.
    mutating func text(of event: WatchedEvent) -> String {
        let response = event.response
        let lines: [(String, String)]
        if let change = response.change {
            lines = Self.lines(change).map { ("change", $0) }
        } else if let drift = response.drift {
            lines = Self.lines(drift).map { ("drift ", $0) }
        } else if let state = response.peerState {
            lines = [("state ", Self.line(state))]
        } else if let sample = response.sample {
            peers += sample.peers
            guard sample.more != true else { return "" }
            lines = [("sample", line(sample))]
            peers = []
        } else if let lost = response.lost {
            lines = [("lost  ", "\(lost) events came faster than they were read: look at the present state")]
        } else {
            return ""
        }
        let time = Words.time(response.timeUnixMs)
        return lines.map { "\(time)  \($0.0)  \($0.1.printable)\n" }.joined()
    }

    private static func lines(_ change: V1.RevisionEvent) -> [String] {
        let revision = change.revision ?? V1.Revision()
        let reason = revision.reason.map { ": \($0)" } ?? ""
        let origin = "revision \(Words.number(revision.number)) by \(revision.author)\(reason)"
        var lines = change.objects.map { object in
            let name = [object.interface, object.peer].compactMap { $0 }.joined(separator: "/")
            let values = object.attributes.map {
                "\($0.attribute ?? "") \($0.before ?? "none") -> \($0.after ?? "none")"
            }
            let what = values.isEmpty ? object.change?.word ?? "" : values.joined(separator: ", ")
            return "\(name)  \(what)  (\(origin))"
        }
        if change.truncated == true { lines.append("and more  (\(origin))") }
        return lines
    }

    private static func lines(_ drift: V1.InterfaceDrift) -> [String] {
        drift.items.map { item in
            "\(drift.interface ?? "")  \(item.place): \(item.kernel ?? "") in the kernel, "
                + "\(item.database ?? "") in the database; \(drift.outcomeWords)"
        }
    }

    private static func line(_ state: V1.PeerStateEvent) -> String {
        let place = state.endpoint.map { ", seen at \($0)" } ?? ""
        return "\(state.interface ?? "")/\(state.peer ?? "")  \(state.before?.word ?? "") -> "
            + "\(state.after?.word ?? "")\(place)"
    }

    private func line(_ sample: V1.InterfaceSample) -> String {
        let up = peers.count { $0.state == .up }
        let received = peers.reduce(0) { $0 &+ ($1.totalReceivedBytes ?? 0) }
        let sent = peers.reduce(0) { $0 &+ ($1.totalSentBytes ?? 0) }
        return "\(sample.interface ?? "")  \(peers.count) peers, \(up) up, received \(Words.bytes(received)), "
            + "sent \(Words.bytes(sent))"
    }
}
