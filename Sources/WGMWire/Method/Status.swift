// SPDX-License-Identifier: Apache-2.0

/// Why a call did not succeed, as the caller gets to know it.
public struct Status: Error, Hashable, Sendable {
    public var code: StatusCode
    /// For people; at most 1024 bytes reach the wire.
    public var message: String
    public var details: V1.ErrorDetails?
    /// When trying again makes sense.
    public var retryAfterMilliseconds: UInt32?

    public init(
        _ code: StatusCode,
        _ message: String,
        details: V1.ErrorDetails? = nil,
        retryAfterMilliseconds: UInt32? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// A status with a stable reason for programs: upper case with underscores, `NAME_TAKEN`.
    public init(
        _ code: StatusCode,
        _ message: String,
        reason: String,
        facts: KeyValuePairs<String, String> = [:],
        retryAfterMilliseconds: UInt32? = nil
    ) {
        let metadata = facts.map { V1.ErrorFact(key: $0.key, value: $0.value) }
        let info = V1.ErrorInfo(reason: reason, domain: "wgm", metadata: metadata)
        self.init(
            code,
            message,
            details: V1.ErrorDetails(errorInfo: info),
            retryAfterMilliseconds: retryAfterMilliseconds
        )
    }

    /// The stable reason, if there is one.
    public var reason: String? {
        details?.errorInfo?.reason
    }
}

extension Status {
    /// A field of the request breaks a rule; `field` is its path, `peers[3].public_key`.
    public static func invalidArgument(field: String, rule: String) -> Status {
        var status = Status(.invalidArgument, "\(field): \(rule)", reason: "FIELD_INVALID")
        let violation = V1.FieldViolation(field: field, description: rule)
        status.details?.badRequest = V1.BadRequest(fieldViolations: [violation])
        return status
    }

    /// The request's bytes are not a message.
    public static func malformed(_ error: MessageError) -> Status {
        guard let field = error.field else {
            return Status(.invalidArgument, error.description, reason: "MESSAGE_MALFORMED")
        }
        return invalidArgument(field: field, rule: error.rule)
    }

    /// There is no such object; `kind` is a word of the vocabulary: `peer`.
    public static func notFound(_ kind: String, _ name: String) -> Status {
        Status(.notFound, "no \(kind) named \(name)", reason: "NOT_FOUND", facts: ["kind": kind, "name": name])
    }

    /// Something that may be used once belongs to another object already.
    public static func alreadyExists(_ message: String, reason: String, owner: String) -> Status {
        Status(.alreadyExists, message, reason: reason, facts: ["owner": owner])
    }

    /// The caller lacks a permission.
    public static func permissionDenied(verb: String, resource: String) -> Status {
        Status(
            .permissionDenied,
            "permission \"\(verb)\" on \"\(resource)\" is missing",
            reason: "PERMISSION_MISSING",
            facts: ["verb": verb, "resource": resource]
        )
    }

    /// The state does not allow the call; `type` is stable: `INTERFACE_HAS_PEERS`.
    public static func failedPrecondition(type: String, subject: String, _ message: String) -> Status {
        var status = Status(.failedPrecondition, message, reason: type)
        status.details?.preconditionFailure = V1.PreconditionFailure(
            type: type,
            subject: subject,
            description: message
        )
        return status
    }

    /// No such method.
    public static func unimplemented(method: String) -> Status {
        Status(.unimplemented, "no method named \(method)", reason: "METHOD_UNKNOWN")
    }
}
