// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

/// What happens, as it happens.
struct EventsHandler: EventsService {
    let gateway: Gateway

    func watch(
        _ request: V1.WatchRequest,
        _ context: CallContext,
        _ replies: Replies<V1.WatchResponse>
    ) async throws(Status) {
        let query = try WatchQuery(request)
        let watcher = try await asking { () async throws(Refusal) in try await gateway.watch(query, context) }
        var told = watcher.revision
        while let events = try await asking({ () async throws(Refusal) in try await watcher.next() }) {
            for (index, event) in events.enumerated() {
                for part in V1.WatchResponse.parts(of: event, time: gateway.now.milliseconds) {
                    if part.change?.truncated != true { told = part.change?.revision?.number ?? told }
                    if index == events.count - 1, part.change?.truncated != true { told = watcher.revision }
                    var message = part
                    message.revision = told
                    guard try await send(message, replies) else { return }
                }
            }
        }
    }

    /// False when the caller has gone, which is the ordinary end.
    private func send(_ message: V1.WatchResponse, _ replies: Replies<V1.WatchResponse>) async throws(Status) -> Bool {
        do throws(Status) {
            try await replies.send(message, patience: replies.patience)
            return true
        } catch {
            guard error.code == .cancelled else { throw error }
            return false
        }
    }

    private func asking<Value>(_ work: () async throws(Refusal) -> Value) async throws(Status) -> Value {
        do throws(Refusal) { return try await work() } catch { throw Status(error) }
    }
}
