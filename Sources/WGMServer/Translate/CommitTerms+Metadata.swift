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
        switch peer.transport {
        case .tls(let address, _): session = IPAddress(bytes: address.bytes).map { CallerSession(remote: $0) }
        case .unix: if let text = value("session") { session = try CallerSession.read(text) }
        case .unknown: break
        }
        switch value("force") {
        case nil: break
        case "1": session = nil
        default: throw .invalidArgument(field: "force", rule: "1, or not there")
        }
    }
}

extension CallerSession {
    /// Reads the far end's address and the near end's.
    ///
    /// What is neither is refused: the check that it is for would not be made, and nobody would know.
    fileprivate static func read(_ text: String) throws(Status) -> CallerSession {
        // A link-local address comes with a zone, which says nothing here.
        let ends = text.split(separator: " ", omittingEmptySubsequences: false).map { end in
            IPAddress(end.prefix { $0 != "%" })?.unmapped
        }
        guard ends.count == 2, let remote = ends[0], let local = ends[1] else {
            throw .invalidArgument(field: "session", rule: "the addresses of the far and the near end, a space between")
        }
        return CallerSession(remote: remote, local: local)
    }
}
