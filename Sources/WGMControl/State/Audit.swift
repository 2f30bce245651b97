// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What an audit record says, before the store gives it a sequence number.
package struct AuditEntry: Hashable, Sendable {
    package var time: Timestamp
    package var principal: String?
    package var uid: UInt32?
    package var tokenID: String?
    /// `wgm.v1.Peers/Create`, or `wgmd/reconcile` and the like for what the daemon does by itself.
    package var method: String
    package var resource: String
    /// gRPC's status code; 0 is success.
    package var code: UInt32
    package var message: String
    /// JSON of the request, already redacted.
    package var request: String
    package var requestID: String
    /// Why, in the caller's words; empty when not said.
    package var reason: String
    /// How many calls, equal but for their time and request id, this is the record of.
    package var count: Int64
    /// When the last of them was; nil when there is one.
    package var lastTime: Timestamp?
    /// No part of the record: on what terms the change is made.
    package var terms = CommitTerms()
    /// No part of the record: the revision that the change takes back, because the kernel refused it.
    package var undoes: Int64?

    package init(
        time: Timestamp,
        principal: String?,
        uid: UInt32?,
        tokenID: String?,
        method: String,
        resource: String,
        code: UInt32 = 0,
        message: String = "",
        request: String = "{}",
        requestID: String,
        reason: String = "",
        count: Int64 = 1,
        lastTime: Timestamp? = nil
    ) {
        self.time = time
        self.principal = principal
        self.uid = uid
        self.tokenID = tokenID
        self.method = method
        self.resource = resource
        self.code = code
        self.message = message
        self.request = request
        self.requestID = requestID
        self.reason = reason
        self.count = count
        self.lastTime = lastTime
    }

    /// Makes this the record of one more call.
    mutating func countAgain(at time: Timestamp) {
        count += 1
        lastTime = max(time, lastTime ?? self.time)
    }
}

/// An audit record as the database holds it.
package struct AuditRecord: Hashable, Sendable {
    package var sequence: Int64
    package var entry: AuditEntry
    /// The revision that the call made, if any.
    package var revision: Int64?

    package init(sequence: Int64, entry: AuditEntry, revision: Int64?) {
        self.sequence = sequence
        self.entry = entry
        self.revision = revision
    }
}

/// Which audit records are wanted; nil parts do not restrict.
package struct AuditQuery: Hashable, Sendable {
    package var limit: Int
    package var beforeSequence: Int64?
    package var principal: String?
    package var method: String?
    package var failuresOnly: Bool
    package var since: Timestamp?

    package init(
        limit: Int,
        beforeSequence: Int64? = nil,
        principal: String? = nil,
        method: String? = nil,
        failuresOnly: Bool = false,
        since: Timestamp? = nil
    ) {
        self.limit = limit
        self.beforeSequence = beforeSequence
        self.principal = principal
        self.method = method
        self.failuresOnly = failuresOnly
        self.since = since
    }
}
