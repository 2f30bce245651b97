// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension Status {
    /// A refusal in gRPC's codes and in words that say what to do.
    init(_ refusal: Refusal) {
        switch refusal {
        case .invalid(let violations): self = .invalid(violations)
        case .store(let failure): self = .store(failure)
        case .kernel(let failure, let revision): self = .kernel(failure, undoneBy: revision)
        case .notFollowed(let failure, let revision):
            let words =
                "revision \(revision) is made and stays, but the kernel does not follow yet: \(failure.message); wgmd goes on trying"
            self = Status(Status.kernel(failure, undoneBy: nil).code, words, reason: "NOT_FOLLOWED")
        case .permissionMissing(let verb, let resource): self = .permissionDenied(verb: verb, resource: resource)
        case .unauthenticated(let words): self.init(.unauthenticated, words, reason: "TOKEN_REFUSED")
        case .givenUp: self.init(.cancelled, "given up before anything was done")
        case .tooManyWatchers(let count, let principal):
            self.init(
                .resourceExhausted,
                principal.map { "\($0) watches \(count) times already" } ?? "\(count) callers are watching already",
                reason: "TOO_MANY_WATCHERS",
                retryAfterMilliseconds: 5000
            )
        case .planChanged:
            self.init(
                .aborted,
                "somebody else made a change since the plan was shown, and it would do something else now; nothing was done",
                reason: "PLAN_CHANGED"
            )
        case .underWay:
            self.init(
                .aborted,
                "the call with this idempotency key is under way or was cut off; look at the object before trying anew",
                reason: "CALL_UNDER_WAY",
                retryAfterMilliseconds: 1000
            )
        }
    }

    private static func invalid(_ violations: [Refusal.Violation]) -> Status {
        let words = violations.prefix(20).map { "\($0.field): \($0.rule)" }.joined(separator: "; ")
        let more = violations.count > 20 ? "; and \(violations.count - 20) more" : ""
        var status = Status(.invalidArgument, words + more, reason: "FIELD_INVALID")
        let listed = violations.prefix(64).map { V1.FieldViolation(field: $0.field, description: $0.rule) }
        status.details?.badRequest = V1.BadRequest(fieldViolations: Array(listed))
        return status
    }

    private static func store(_ failure: StoreFailure) -> Status {
        switch failure {
        case .unavailable(let words):
            return Status(
                .unavailable,
                "the database cannot be used, nothing was changed and tunnels stay as they are: \(words)",
                reason: "DATABASE_UNAVAILABLE",
                retryAfterMilliseconds: 2000
            )
        case .inDoubt(let words):
            return Status(
                .unavailable,
                "the connection to the database broke while it committed, so the change may have been made; "
                    + "a retry with the same idempotency key tells: \(words)",
                reason: "OUTCOME_UNKNOWN",
                retryAfterMilliseconds: 2000
            )
        case .notFound(let subject): return .notFound(subject)
        case .taken(let what, let owner):
            return .alreadyExists("\(what) is already used by \(owner)", reason: "TAKEN", owner: owner)
        case .overlap(let prefix, let other, let owner):
            let cure = prefix.isWide ? "; what stands for a default route needs an interface of its own" : ""
            return .alreadyExists(
                "\(prefix) overlaps \(other) of \(owner)\(cure)",
                reason: "PREFIX_OVERLAP",
                owner: owner
            )
        case .outsidePools(let address, let interface):
            return .invalidArgument(field: "address", rule: "\(address) lies outside the pools of \(interface)")
        case .poolExhausted(let pool, let interface):
            return Status(
                .resourceExhausted,
                "no address is left in \(pool) of \(interface); delete peers, or create them IPv6-only",
                reason: "POOL_EXHAUSTED"
            )
        case .hasPeers(let interface, let count):
            return .failedPrecondition(
                type: "INTERFACE_HAS_PEERS",
                subject: interface.value,
                count == 1
                    ? "\(interface) has 1 peer; delete it first, or ask for it to go with it"
                    : "\(interface) has \(count) peers; delete them first, or ask for them to go with it"
            )
        case .unconfirmed(let change):
            return .failedPrecondition(
                type: "UNCONFIRMED",
                subject: "\(change.revision)",
                "revision \(change.revision) waits to be confirmed; until then nothing else is changed"
            )
        case .wouldCutSession(let words):
            return .failedPrecondition(type: "WOULD_CUT_SESSION", subject: "session", words)
        case .nothingUnconfirmed:
            return Status(
                .notFound,
                "no change waits to be confirmed, or not this one",
                reason: "NOTHING_UNCONFIRMED"
            )
        case .keyRotation(let interface, let words):
            return .failedPrecondition(type: "KEY_ROTATION", subject: interface.value, "\(interface): \(words)")
        case .momentOver: return .invalidArgument(field: "switch_unix_ms", rule: "is in the past")
        case .lastAdmin:
            return .failedPrecondition(
                type: "LAST_ADMIN",
                subject: "admin",
                "nobody would be left who is an admin; make another one first"
            )
        case .notFirst:
            return .failedPrecondition(type: "ADMIN_EXISTS", subject: "admin", "there is an admin already")
        case .noSuchRevision(let number, let first):
            return Status(
                .notFound,
                "no revision \(number) of interfaces and peers is known; what there was is kept from revision \(first) on",
                reason: "NOT_FOUND",
                facts: ["kind": "revision", "name": "\(number)"]
            )
        case .keyReused:
            return Status(.aborted, "the idempotency key was used for another request", reason: "KEY_REUSED")
        case .other(let words):
            return Status(
                .internal,
                "the database refused in a way that wgmd does not know: \(words)",
                reason: "DATABASE_ERROR"
            )
        }
    }

    private static func notFound(_ subject: StoreFailure.Subject) -> Status {
        switch subject {
        case .interface(let name): .notFound("interface", name.value)
        case .peer(let name, let interface):
            Status(
                .notFound,
                "no peer named \(name) on \(interface)",
                reason: "NOT_FOUND",
                facts: ["kind": "peer", "name": name.value, "interface": interface.value]
            )
        case .principal(let name): .notFound("principal", name.value)
        case .token(let id):
            Status(
                .notFound,
                "no token \(id) that was issued for a program is in force; of the token of a login it must be said whose it is",
                reason: "NOT_FOUND",
                facts: ["kind": "token", "name": id]
            )
        }
    }

    private static func kernel(_ failure: KernelFailure, undoneBy revision: Int64?) -> Status {
        let undone = revision.map { "; the change was undone by revision \($0)" } ?? ""
        let (code, reason): (StatusCode, String) =
            switch failure.reason {
            case .notOurs: (.failedPrecondition, "LINK_NOT_OURS")
            case .noSuchInterface: (.failedPrecondition, "LINK_MISSING")
            case .alreadyExists: (.alreadyExists, "LINK_EXISTS")
            case .noWireGuard: (.failedPrecondition, "NO_WIREGUARD")
            case .notPermitted: (.failedPrecondition, "NOT_PERMITTED")
            case .invalidArgument: (.invalidArgument, "KERNEL_REFUSED")
            case .inUse: (.failedPrecondition, "IN_USE")
            case .sealed: (.failedPrecondition, "KEEPER_SEALED")
            case .journal: (.unavailable, "JOURNAL_FAILED")
            case .keeperGone: (.unavailable, "KEEPER_GONE")
            case .other: (.internal, "KERNEL_REFUSED")
            }
        return Status(code, failure.message + undone, reason: reason)
    }
}
