// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension V1.Principal {
    init(_ record: PrincipalRecord) {
        self.init(
            name: record.name.value,
            uid: record.uid,
            roles: record.roles.sorted().map(\.rawValue),
            createdUnixMs: record.created.milliseconds
        )
    }
}

extension V1.Grant {
    init(_ grant: Grant) {
        self.init(resource: grant.resource.description, verbs: grant.verbs.sorted().map(\.rawValue))
    }
}

extension V1.LoginResponse {
    init(_ login: Login) {
        self.init(
            token: login.issued.token,
            expiresUnixMs: login.issued.expires.milliseconds,
            principal: login.principal.value,
            roles: login.roles.map(\.rawValue),
            becameFirstAdmin: login.becameFirstAdmin
        )
    }
}

extension V1.WhoAmIResponse {
    init(_ identity: Identity) {
        self.init(
            principal: identity.principal.value,
            roles: identity.roles.map(\.rawValue),
            tokenId: identity.tokenID,
            expiresUnixMs: identity.expires.milliseconds,
            uid: identity.binding.uid,
            grants: identity.grants.map { V1.Grant($0) },
            certificate: identity.binding.certificateText
        )
    }
}

extension V1.IssueTokenResponse {
    init(_ issued: IssuedToken) {
        self.init(
            token: issued.token,
            tokenId: issued.tokenID,
            expiresUnixMs: issued.expires.milliseconds,
            beyondRoles: issued.beyondRoles.map { V1.Grant($0) }
        )
    }
}

extension V1.TokenInfo {
    init(_ record: TokenRecord, isRevoked: Bool) {
        self.init(
            tokenId: record.token.tokenID,
            principal: record.token.principal.value,
            issuer: record.issuer,
            issuedUnixMs: record.issued.milliseconds,
            expiresUnixMs: record.expires.milliseconds,
            uid: record.binding.uid,
            certificate: record.binding.certificateText,
            grants: record.grants.map { V1.Grant($0) },
            isRevoked: isRevoked
        )
    }
}

extension TokenRequest {
    init(_ message: V1.IssueTokenRequest) {
        self.init()
        principal = message.principal
        lifetime = message.lifetimeS
        bindUID = message.bindUid
        bindCertificate = message.bindCertificate
        grants = message.grants.map { GrantRequest(resource: $0.resource ?? "", verbs: $0.verbs) }
    }
}

extension V1.AuditRecord {
    init(_ record: AuditRecord) {
        let entry = record.entry
        self.init(
            sequence: record.sequence,
            timeUnixMs: entry.time.milliseconds,
            principal: entry.principal,
            uid: entry.uid,
            tokenId: entry.tokenID,
            method: entry.method,
            resource: entry.resource,
            code: entry.code,
            message: entry.message.isEmpty ? nil : entry.message,
            request: entry.request,
            revision: record.revision,
            requestId: entry.requestID,
            reason: entry.reason.isEmpty ? nil : entry.reason,
            count: entry.count == 1 ? nil : entry.count,
            lastTimeUnixMs: entry.lastTime?.milliseconds
        )
    }
}

extension AuditRequest {
    init(_ message: V1.ListAuditRequest) {
        self.init()
        limit = message.limit
        beforeSequence = message.beforeSequence
        principal = message.principal
        method = message.method
        failuresOnly = message.failuresOnly ?? false
        sinceMilliseconds = message.sinceUnixMs
    }
}
