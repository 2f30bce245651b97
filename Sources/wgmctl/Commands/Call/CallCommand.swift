// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import WGMWire

/// `wgmctl call`.
struct CallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Call any method of the daemon, with JSON in and out.",
        discussion: """
            The request is a JSON object with the fields that wgmctl methods METHOD shows, by the rules of protobuf's JSON: \
            publicKey or public_key, 64-bit numbers as texts or numbers, bytes in base64. A method that changes something gets \
            an idempotency key; the same key again repeats the call without doing it twice.

            What a method replies is printed as it is: Auth/Login and Auth/IssueToken reply with tokens.

            With --stream each reply is a JSON object on a line of its own, as it comes; and where the request is a stream, so is \
            each line of standard input. The call lasts until the server ends it, whatever --timeout says, or until Ctrl-C.


            """
                + Wgmctl.examples(
                    "wgmctl call Meta/Version",
                    "wgmctl call Peers/Get '{\"interface\": \"wg0\", \"name\": \"anna\"}'",
                    "jq '{interface: \"wg0\", peers: .}' new-peers.json | wgmctl call Peers/Create -",
                    "wgmctl call Peers/Delete '{\"interface\": \"wg0\", \"name\": \"anna\"}' -m 'has left'",
                    "wgmctl call Events/Watch --stream '{\"kinds\": [\"EVENT_KIND_CHANGE\"]}' | jq -c .change"
                )
    )

    private static let mostInput = 8 * 1024 * 1024

    @Argument(
        help: .init("The method, such as Peers/Get; wgmctl methods lists them.", valueName: "method"),
        completion: MethodDescriptor.completion,
        transform: MethodDescriptor.named
    )
    var method: MethodDescriptor

    @Argument(help: .init("The request, {} if not said, or - to read it from standard input.", valueName: "json"))
    var request: String?

    @Flag(help: "For methods with streams: one JSON object a line.")
    var stream = false

    @Option(help: .init("32 hexadecimal digits: repeat the call that was made with them.", valueName: "key"))
    var idempotencyKey: IdempotencyKey?

    @OptionGroup(title: GlobalOptions.title) var global: GlobalOptions

    func validate() throws {
        let hasStream = method.isRequestStream || method.isReplyStream
        guard hasStream == stream else {
            throw ValidationError(
                stream
                    ? "\(method.name) has one message each way: leave --stream out"
                    : "\(method.name) has a stream of messages: add --stream"
            )
        }
        guard !stream || global.output != .yaml else {
            throw ValidationError("--stream prints one JSON object a line, not YAML")
        }
        guard !method.isRequestStream || request ?? "-" == "-" else {
            throw ValidationError("\(method.name) takes its messages from standard input, one JSON object a line")
        }
        guard idempotencyKey == nil || method.isMutation else {
            throw ValidationError("--idempotency-key is for methods that change something")
        }
    }

    func run() throws {
        guard let messages = method.messages else { throw ValidationError("\(method.name) has no messages") }
        if stream { try callStream(messages) } else { try call(messages.request, messages.reply) }
    }

    private var requestText: String { get throws { request == "-" ? try Self.standardInput() : request ?? "{}" } }

    private func callStream(_ messages: MethodMessages) throws {
        let key = idempotencyKey ?? IdempotencyKey()
        let request = method.isRequestStream ? "" : try requestText
        let call = StreamedCalls(method: method, messages: messages, request: request) { try Console.write(raw: $0) }
        var session = try method.isAnonymous ? Session.anonymous(global) : Session.authenticated(global)
        let input = InputLines(descriptor: STDIN_FILENO, limit: Self.mostInput)
        do { try call.run(&session, input: input, key: key) } catch let status as Status {
            throw failure(status, key)
        }
    }

    private func call<Q: WireMessage, R: WireMessage>(_ requestType: Q.Type, _ replyType: R.Type) throws {
        let message: Q = try Self.read(requestText)
        let key = idempotencyKey ?? IdempotencyKey()
        var session = try method.isAnonymous ? Session.anonymous(global) : Session.authenticated(global)
        session.idempotencyKey = key.bytes
        let reply: R
        do throws(Status) { reply = try session.call(method, message, as: replyType) } catch {
            throw failure(error, key)
        }
        guard let type = MessageType(of: replyType) else { return }
        try global.show(RawReply(document: MessageToJSON.document(reply.serialized(), as: type)))
    }

    private static func standardInput() throws -> String {
        let bytes = try Descriptor(number: dup(STDIN_FILENO)).readAll(limit: mostInput)
        guard let bytes else { throw Failure(.usage, "standard input has more than \(Words.bytes(UInt64(mostInput)))") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.usage, "standard input is not UTF-8")
        }
        return text
    }

    static func read<Q: WireMessage>(_ text: String) throws -> Q {
        guard let type = MessageType(of: Q.self) else { throw Failure(.usage, "\(Q.protoName) cannot be written") }
        let value: JSONValue
        do throws(JSONError) { value = try JSONReader.read(text) } catch {
            throw Failure(.usage, "the request is no JSON: line \(error.line), column \(error.column): \(error.rule)")
        }
        let bytes = try MessageFromJSON.bytes(value, as: type)
        do throws(MessageError) { return try Q(serialized: bytes) } catch {
            throw Failure(.usage, "the request: \(error.field ?? Q.protoName) \(error.rule)")
        }
    }

    /// Fields keep the names that stand in the request, and a change whose end is not known says how to repeat it.
    private func failure(_ status: Status, _ key: IdempotencyKey) -> Failure {
        var failure = Failure(status) { $0 }
        let isOpen = ["MAY_HAVE_RUN", "OUTCOME_UNKNOWN", "CALL_UNDER_WAY"].contains(status.reason)
        if method.isMutation, isOpen || status.code == .deadlineExceeded {
            failure.hint = "repeat it with --idempotency-key \(key): it is not done twice"
        }
        return failure
    }
}

/// 16 bytes that make a repeated call the same call.
struct IdempotencyKey: ExpressibleByArgument, CustomStringConvertible {
    let bytes: [UInt8]

    /// A new one.
    init() { bytes = CallOptions.randomKey() }

    init?(argument: String) {
        let digits = Array(argument)
        guard digits.count == 32, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        bytes = stride(from: 0, to: 32, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }

    var description: String { bytes.map { UInt32($0).hexadecimal(digits: 2) }.joined() }
}

/// The reply as it came.
private struct RawReply: Presentable {
    let document: Document

    func text(styled: Bool) -> String { document.json + "\n" }
}
