// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMRPC
internal import WGMWire

extension CommitTerms {
    private static let confirmSeconds: ClosedRange<UInt32> = 10...86_400

    /// What a call's metadata says of the change that it makes, and what the transport knows of its session.
    init(_ metadata: [(key: String, value: [UInt8])], from peer: ConnectionPeer) throws(Status) {
        self.init()
        func value(_ key: String) -> String? {
            metadata.first { $0.key == key }.map { String(decoding: $0.value, as: UTF8.self) }
        }
        if let text = value("confirm") {
            guard let seconds = UInt32(text), Self.confirmSeconds.contains(seconds) else {
                throw .invalidArgument(field: "confirm", rule: "10 to 86400 seconds")
            }
            confirmation = .within(seconds: seconds)
        }
        guard value("force") == nil else { return }
        switch peer.transport {
        case .tls(let address, _): session = IPAddress(bytes: address.bytes).map { CallerSession(remote: $0) }
        case .unix: session = value("session").flatMap { CallerSession($0) }
        case .unknown: break
        }
    }
}

extension CallerSession {
    /// Reads the far end's address and the near end's; nil when that is no such thing.
    fileprivate init?(_ text: String) {
        let parts = text.split(separator: " ")
        // A link-local address comes with a zone, and over no tunnel of ours.
        guard parts.count == 2, let remote = IPAddress(parts[0]) else { return nil }
        self.init(remote: remote, local: IPAddress(parts[1]))
    }
}
