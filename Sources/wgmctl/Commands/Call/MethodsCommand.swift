// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import WGMWire

/// `wgmctl methods`.
struct MethodsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "methods",
        abstract: "List the methods of the daemon with what each needs, or show the fields of one.",
        discussion: Wgmctl.examples("wgmctl methods", "wgmctl methods Peers/Create", "wgmctl methods -o json")
    )

    @Argument(
        help: .init("One method, to see its fields.", valueName: "method"),
        completion: MethodDescriptor.completion,
        transform: MethodDescriptor.named
    )
    var method: MethodDescriptor?

    @Flag(help: "The same as -o json.")
    var json = false

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func run() throws {
        var global = global
        if json { global.output = .json }
        if let method { try global.show(OneMethod(method: method)) } else { try global.show(AllMethods()) }
    }
}

/// Every method, one per row.
private struct AllMethods: Presentable {
    var document: Document { .list(V1.methods.map { .object($0.members) }) }

    func text(styled: Bool) -> String {
        var table = Table([
            .init(title: "METHOD"), .init(title: "NEEDS"), .init(title: "CHANGES"),
            .init(title: "WHAT IT DOES"),
        ])
        for method in V1.methods {
            let changes = method.isMutation ? "yes" : ""
            table.append([method.shortName, method.permission, changes, method.summary])
        }
        return table.rendered(styled: styled)
    }
}

/// One method with all that can be said in its request and is said in its reply.
private struct OneMethod: Presentable {
    let method: MethodDescriptor

    private var request: MessageType? { method.messages.flatMap { MessageType(of: $0.request) } }
    private var reply: MessageType? { method.messages.flatMap { MessageType(of: $0.reply) } }

    var document: Document {
        var members = method.members
        members["request_fields"] = request?.document ?? .absent
        members["reply_fields"] = reply?.document ?? .absent
        return .object(members)
    }

    func text(styled: Bool) -> String {
        let details = Table(details: [
            ("Method", method.name), ("What it does", method.summary), ("Needs", method.permission),
            ("Changes", method.isMutation ? "yes" : "no"), ("Streams", method.streams),
            ("Largest request", Words.bytes(UInt64(method.maxRequestBytes))),
        ])
        let fields = [("Request", request), ("Reply", reply)].compactMap { title, type in
            type.map { "\n\(title): \($0.name)\n" + $0.lines(indent: "  ") }
        }
        return details.rendered(styled: styled) + fields.joined()
    }
}

extension MethodDescriptor {
    fileprivate var members: [String: Document] {
        [
            "method": .text(name), "summary": .text(summary), "verb": .text(verb), "resource": .text(resource),
            "needs_token": .flag(!isAnonymous), "mutation": .flag(isMutation), "audited": .flag(isAudited),
            "request_stream": .flag(isRequestStream), "reply_stream": .flag(isReplyStream),
            "max_request_bytes": .number(maxRequestBytes), "request": .text(messages?.request.protoName),
            "reply": .text(messages?.reply.protoName),
        ]
    }
}

extension MessageType {
    fileprivate var document: Document {
        .list(
            fields.map { field in
                var members: [String: Document] = ["name": .text(field.jsonName), "repeated": .flag(field.isRepeated)]
                members["type"] = .text(field.kind.name)
                if case .message(let type) = field.kind { members["fields"] = type.document }
                if case .enumeration(let values) = field.kind { members["values"] = .texts(values.map(\.name)) }
                return .object(members)
            }
        )
    }

    /// A line for each field, those of messages within indented below theirs.
    fileprivate func lines(indent: String) -> String {
        if fields.isEmpty { return indent + "(no fields)\n" }
        let width = fields.map(\.jsonName.count).max() ?? 0
        return fields.map { field in
            let padding = String(repeating: " ", count: width - field.jsonName.count)
            var text = "\(indent)\(field.jsonName)\(padding)  \(field.typeName)\n"
            if case .message(let type) = field.kind { text += type.lines(indent: indent + "  ") }
            return text
        }.joined()
    }
}
