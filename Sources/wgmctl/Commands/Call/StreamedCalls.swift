// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// A call with a stream on at least one side: a JSON object a line, in and out.
struct StreamedCalls {
    /// How often standard input is looked at while nothing comes from the server.
    private static let interval: Duration = .milliseconds(20)

    let method: MethodDescriptor
    let messages: MethodMessages
    /// The one request of a method whose reply alone is a stream.
    let request: String
    let write: (String) throws -> Void

    /// Until the server ends the call.
    ///
    /// - Throws: the server's status; a `Failure` for a line that is no request, and then the call is given up.
    func run(_ session: inout Session, input: consuming InputLines, key: IdempotencyKey) throws {
        session.idempotencyKey = key.bytes
        guard let replyType = MessageType(of: messages.reply) else { return }
        var thrown: (any Error)?
        let each = { (bytes: [UInt8]) -> Bool in
            do { try write(MessageToJSON.document(bytes, as: replyType).jsonLine + "\n") } catch { thrown = error }
            return thrown == nil
        }
        do throws(Status) {
            if method.isRequestStream {
                try session.stream(method, every: Self.interval) { () throws(Status) in
                    do { return try Self.request(of: input.next(), messages.request) } catch {
                        thrown = error
                        throw Status(.cancelled, "the input cannot be read")
                    }
                } each: {
                    each($0)
                }
            } else {
                let bytes: [UInt8]
                do { bytes = try Self.bytes(messages.request, request) } catch {
                    thrown = error
                    throw Status(.cancelled, "the request cannot be read")
                }
                try session.stream(method, bytes, each: each)
            }
        } catch {
            throw thrown ?? error
        }
        if let thrown { throw thrown }
    }

    private static func request(
        of line: NextRequest<InputLines.Line>,
        _ type: any WireMessage.Type
    ) throws -> NextRequest<[UInt8]> {
        switch line {
        case .notYet: return .notYet
        case .end: return .end
        case .message(let line):
            do { return .message(try bytes(type, line.text)) } catch let failure as Failure {
                throw Failure(failure.status, "line \(line.number): \(failure.message)", hint: failure.hint)
            }
        }
    }

    private static func bytes<Q: WireMessage>(_ type: Q.Type, _ text: String) throws -> [UInt8] {
        let message: Q = try CallCommand.read(text)
        return message.serialized()
    }
}
