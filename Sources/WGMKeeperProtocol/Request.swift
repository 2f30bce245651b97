// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// The request table: what the keeper can be asked, and nothing else.
///
/// Layout of a request: number (4) · kind (1) · interface name (16, zero-padded) · owner (8) · the fields of the kind.
/// A name or owner that the kind does not use is zero.
package enum RequestKind: UInt8, Sendable, CaseIterable {
    case hello = 1
    case generateKey = 2
    case createLink = 3
    case deleteLink = 4
    case setLink = 5
    case setDevice = 6
    case setPeers = 7
    case setPrefixes = 8
    case dump = 9
    case signToken = 10
    case ownedInterfaces = 11
    case sealSecrets = 12
}

/// One request of wgmd to the keeper.
package struct Request: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        /// Must be the first request of a connection, and only that.
        case hello(version: UInt16)
        case generateKey(InterfaceID)
        case change(KernelChange, interface: InterfaceName, owner: InterfaceID)
        case dump(InterfaceName)
        /// `base64url(header).base64url(claims)` in ASCII.
        case signToken([UInt8])
        case ownedInterfaces
        /// Opens what callers encrypted to the keeper, and seals it for the interface.
        case sealSecrets([SecretBox], InterfaceID)
        /// Seals for the interface the keys that a link of nobody's holds; the same kind, with a name.
        case linkSecrets(InterfaceName, InterfaceID)
    }

    package static let protocolVersion: UInt16 = 4
    /// Chosen by the client, not 0; the reply carries it back.
    package var number: UInt32
    package var body: Body

    package init(number: UInt32, _ body: Body) {
        self.number = number
        self.body = body
    }

    package var kind: RequestKind {
        switch body {
        case .hello: .hello
        case .generateKey: .generateKey
        case .change(let change, _, _): change.kind
        case .dump: .dump
        case .signToken: .signToken
        case .ownedInterfaces: .ownedInterfaces
        case .sealSecrets, .linkSecrets: .sealSecrets
        }
    }
}

extension Request {
    /// How many times longer than others it may take: the kernel does away with the peers of a link one after the other.
    var patience: Int {
        if case .change(.deleteLink, _, _) = body { return 6 }
        return 1
    }

    /// A dump, and the keys of all peers, can be longer than a packet.
    var mayNeedManyReplies: Bool {
        switch body {
        case .dump, .linkSecrets: true
        default: false
        }
    }

    package func encoded() -> [UInt8] {
        var writer = PacketWriter()
        writer.append(integer: number)
        writer.append(integer: kind.rawValue)
        switch body {
        case .hello(let version):
            writer.appendSubject(nil, nil)
            writer.append(integer: version)
        case .generateKey(let interface):
            writer.appendSubject(nil, interface)
        case .change(let change, let interface, let owner):
            writer.appendSubject(interface, owner)
            writer.append(change)
        case .dump(let interface):
            writer.appendSubject(interface, nil)
        case .signToken(let input):
            writer.appendSubject(nil, nil)
            writer.append(integer: UInt16(clamping: input.count))
            writer.append(input)
        case .ownedInterfaces:
            writer.appendSubject(nil, nil)
        case .sealSecrets(let boxes, let interface):
            writer.appendSubject(nil, interface)
            writer.append(boxes) { $0.append($1.bytes) }
        case .linkSecrets(let name, let interface):
            writer.appendSubject(name, interface)
        }
        return writer.bytes
    }

    package init(decoding packet: [UInt8]) throws(PacketError) {
        guard packet.count <= PacketLimit.packet else { throw .tooLarge }
        var reader = PacketReader(packet)
        number = try reader.integer()
        let rawKind = try reader.integer(UInt8.self)
        guard let kind = RequestKind(rawValue: rawKind) else { throw .unknownKind(rawKind) }
        let subject = Subject(name: try reader.interfaceName(), owner: InterfaceID(try reader.integer()))
        body = try Self.body(of: kind, subject, &reader)
        try reader.end()
    }

    private static func body(
        of kind: RequestKind,
        _ subject: Subject,
        _ reader: inout PacketReader
    ) throws(PacketError) -> Body {
        switch kind {
        case .hello:
            try subject.requireNone()
            return .hello(version: try reader.integer())
        case .generateKey:
            guard subject.name == nil else { throw .invalidField }
            return .generateKey(subject.owner)
        case .createLink, .deleteLink, .setLink, .setDevice, .setPeers, .setPrefixes:
            guard let name = subject.name else { throw .invalidField }
            return .change(try reader.change(kind), interface: name, owner: subject.owner)
        case .dump:
            guard let name = subject.name, subject.owner.value == 0 else { throw .invalidField }
            return .dump(name)
        case .signToken:
            try subject.requireNone()
            let count = try reader.integer(UInt16.self)
            guard count <= PacketLimit.signingInput else { throw .tooLarge }
            return .signToken(Array(try reader.bytes(Int(count))))
        case .ownedInterfaces:
            try subject.requireNone()
            return .ownedInterfaces
        case .sealSecrets:
            if let name = subject.name { return .linkSecrets(name, subject.owner) }
            let count = try reader.count(UInt16.self, elementSize: SecretBox.byteCount)
            return .sealSecrets(
                try reader.list(count: count) { (reader) throws(PacketError) in try reader.secretBox() },
                subject.owner
            )
        }
    }
}

/// The interface that a request is about.
private struct Subject {
    var name: InterfaceName?
    var owner: InterfaceID

    func requireNone() throws(PacketError) {
        guard name == nil, owner.value == 0 else { throw .invalidField }
    }
}

extension PacketWriter {
    fileprivate mutating func appendSubject(_ name: InterfaceName?, _ owner: InterfaceID?) {
        append(name)
        append(integer: owner?.value ?? 0)
    }
}
