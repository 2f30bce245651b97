// SPDX-License-Identifier: Apache-2.0

/// How a call ended: a reply, or a status that is not ok.
public struct CallOutcome: Sendable {
    /// nil is ok.
    public var failure: Status?
    /// The serialized reply; nil is no message, which an empty message is not.
    public var reply: [UInt8]?
    public var trailers: [(key: String, value: [UInt8])]

    public init(reply: [UInt8]?, trailers: [(key: String, value: [UInt8])] = []) {
        failure = nil
        self.reply = reply
        self.trailers = trailers
    }

    public init(failure: Status, trailers: [(key: String, value: [UInt8])] = []) {
        self.failure = failure
        reply = nil
        self.trailers = trailers
    }
}

extension CallOutcome {
    /// The payload of END; what is over a limit is cut (text) or left out (details, trailers).
    func end(_ limits: WireLimits) -> V1.End {
        var end = V1.End()
        end.code = failure?.code.rawValue ?? StatusCode.ok.rawValue
        if let failure {
            end.message = failure.message.isEmpty ? nil : failure.message.cut(toBytes: limits.statusText)
            end.retryAfterMs = failure.retryAfterMilliseconds
            if let details = failure.details, details.serialized().count <= limits.statusDetails {
                end.details = details
            }
        }
        end.reply = failure == nil ? reply : nil
        let size = trailers.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
        if trailers.count <= limits.metadataPairs, size <= limits.metadata {
            end.trailers = trailers.map { pair in
                var trailer = V1.MetadataPair()
                trailer.key = pair.key
                trailer.value = pair.value
                return trailer
            }
        }
        return end
    }
}

extension String {
    /// The longest start that has at most so many bytes of UTF-8 and ends between characters.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: limit)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
