// SPDX-License-Identifier: Apache-2.0
internal import WGMWire

extension ConnectionHandler {
    func authenticate(_ slot: Int, _ token: String) {
        switch server.host.authenticate(token: token, from: peer) {
        case .refused(let status): connection.refuse(slot: slot, status)
        case .accepted(let credential, let subject, let expires, let scopes):
            let (left, overflow) = expires.subtractingReportingOverflow(WallClock.unixMilliseconds())
            guard !overflow, left > 0 else {
                return connection.refuse(slot: slot, Status(.unauthenticated, "the token has expired"))
            }
            credentials[slot] = credential
            answers[slot] = server.host.answers(for: credential, of: peer)
            connection.accept(
                slot: slot,
                subject: subject,
                scopes: scopes,
                expires: .now() + .milliseconds(left),
                unixMilliseconds: expires
            )
        }
    }

    func begin(_ call: ReceivedCall) {
        guard call.isComplete || prepareMessages(call) else { return }
        if let status = server.admission.begin(caller) {
            connection.end(call.stream, CallOutcome(failure: status))
            return recordRefusal(call.stream, slot: call.slot, method: call.method, status)
        }
        let credential = call.slot == 0 ? nil : credentials[call.slot]
        let incoming = IncomingCall(call, peer: peer, credential: credential)
        switch server.host.handle(incoming) {
        case .reply(let outcome):
            server.admission.end(caller)
            connection.end(call.stream, outcome)
        case .task(let work): start(call.stream, incoming.commitPoint, work)
        case .stream(let work): start(call, incoming.commitPoint, work)
        }
    }

    func recordRefusal(_ stream: UInt32, slot: Int, method: String?, _ status: Status) {
        let refusal = RefusedCall(
            peer: peer,
            requestID: RequestID(connection: peer.id, stream: stream),
            method: method,
            credential: slot == 0 ? nil : credentials[slot],
            status: status
        )
        server.host.callRefused(refusal)
    }
}
