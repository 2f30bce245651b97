// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Who calls, what, and when: what every use case is told besides the request.
package struct CallContext: Sendable {
    /// nil for a method that needs no token.
    package var credential: Credential?
    /// The user id at the other end of the Unix socket; nil when it is not known.
    package var uid: UInt32?
    /// `wgm.v1.Peers/Create`.
    package var method: String
    /// The path that the permission was asked for, for the audit record.
    package var resource: String
    /// The request as JSON, already redacted, for the audit record.
    package var requestJSON: String
    package var requestID: String
    /// Every method that changes state has one.
    package var key: CallKey?
    package var time: Timestamp
    /// Why, in the caller's words, for the revision and the audit record.
    package var reason = ""
    /// On what terms the call's change is made.
    package var terms = CommitTerms()
    /// What the caller was found to be allowed; looked at again when a change's turn has come.
    package var permission: Permission?
    /// Passes the point after which the call cannot be given up; false when it was given up before.
    package var passCommitPoint: @Sendable () -> Bool = { true }

    package init(
        credential: Credential?,
        uid: UInt32?,
        method: String,
        resource: String,
        requestJSON: String = "{}",
        requestID: String,
        key: CallKey? = nil,
        time: Timestamp
    ) {
        self.credential = credential
        self.uid = uid
        self.method = method
        self.resource = resource
        self.requestJSON = requestJSON
        self.requestID = requestID
        self.key = key
        self.time = time
    }

    package var principal: ObjectName? { credential?.principal }

    /// The audit record of this call; code 0 is success.
    package func entry(code: UInt32 = 0, message: String = "") -> AuditEntry {
        var entry = AuditEntry(
            time: time,
            principal: principal?.value,
            uid: uid,
            tokenID: credential?.claims.tokenID,
            method: AuditText.clip(method, to: 128),
            resource: AuditText.clip(resource, to: 1024),
            code: code,
            message: AuditText.clip(message, to: 1024),
            request: requestJSON,
            requestID: AuditText.clip(requestID, to: 128),
            reason: AuditText.clip(reason, to: 512)
        )
        entry.terms = terms
        if case .within(let seconds) = terms.confirmation, code == 0 {
            entry.message += "\(message.isEmpty ? "" : "; ")undone unless it is confirmed within \(seconds) s"
        }
        return entry
    }
}

/// The row of the permission table that a call was judged by.
package struct Permission: Sendable {
    package var verb: String
    package var resources: [ResourcePattern]

    package init(verb: String, resources: [ResourcePattern]) {
        self.verb = verb
        self.resources = resources
    }
}

/// Makes text from outside fit for an audit record.
enum AuditText {
    /// Replaces control characters, and cuts at a character boundary.
    static func clip(_ text: String, to maxBytes: Int) -> String {
        if text.utf8.count <= maxBytes, text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
        var clipped = ""
        var byteCount = 0
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control
            let kept = isControl ? Unicode.Scalar(0xfffd) ?? scalar : scalar
            byteCount += kept.utf8.count
            guard byteCount <= maxBytes else { break }
            clipped.unicodeScalars.append(kept)
        }
        return clipped
    }
}
