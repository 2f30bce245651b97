// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

extension MethodDescriptor {
    /// A method as a person names it: `Peers/Create` is `wgm.v1.Peers/Create`.
    static func named(_ text: String) throws -> MethodDescriptor {
        let wanted = text.lowercased()
        let found = V1.methods.first { method in
            let name = method.name.lowercased()
            return name == wanted || name.hasSuffix("." + wanted)
        }
        guard let found else { throw ValidationError("there is no such method; wgmctl methods lists them") }
        return found
    }

    static var completion: CompletionKind { .list(V1.methods.map(\.shortName)) }

    /// `Peers/Create`.
    var shortName: String { String(name.split(separator: ".").last ?? "") }

    /// What a caller needs, in words.
    var permission: String {
        if isAnonymous { return "none" }
        guard let verb, let resource else { return "any token" }
        return "\(verb) \(resource)"
    }

    /// Which sides send any number of messages, in words.
    var streams: String {
        switch (isRequestStream, isReplyStream) {
        case (false, false): "none"
        case (true, false): "request"
        case (false, true): "reply"
        case (true, true): "request and reply"
        }
    }

    var messages: MethodMessages? { V1.messagesOfMethods[name] }
}
