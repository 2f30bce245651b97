// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMWire

/// Watches, and goes on where it was when the daemon has gone and come back, or the token is over and there is another.
struct Following {
    /// Why nothing comes at present.
    enum Interruption {
        case lost(Failure)
        case back
        /// The history does not reach back to where this was.
        case missed
    }

    private static let firstPause = 250
    private static let longestPause = 2000

    let options: GlobalOptions
    var request: V1.WatchRequest
    /// How often `each` is given nil while nothing comes.
    var interval: Duration = .milliseconds(100)

    /// Ends when `each` returns false or throws, or for a reason that does not go away by itself.
    func run(
        interrupted: (Interruption) -> Void,
        each: (V1.WatchResponse?) throws -> Bool
    ) throws {
        var cursor = request.since
        var session = try Session.authenticated(options)
        var isAnew = false
        var pause = Self.firstPause
        while true {
            var request = request
            request.since = request.watchesChanges ? cursor : nil
            var hasBegun = false
            var isOver = false
            var thrown: (any Error)?
            do throws(Status) {
                try session.watch(request, every: interval) { response in
                    if let response {
                        if isAnew, !hasBegun { interrupted(.back) }
                        hasBegun = true
                        cursor = response.revision ?? cursor
                    }
                    do { isOver = try !each(response) } catch { (isOver, thrown) = (true, error) }
                    return !isOver
                }
            } catch {
                let status = error
                if status.reason == "NOT_FOUND", isAnew, cursor != nil {
                    interrupted(.missed)
                    cursor = nil
                    continue
                }
                guard status.passes(hasBegun: hasBegun, canLogIn: session.canLogIn) else { throw status }
                if status.code != .unauthenticated { interrupted(.lost(Failure(status))) }
            }
            if let thrown { throw thrown }
            if isOver { return }
            if hasBegun { pause = Self.firstPause }
            repeat {
                guard try wait(pause, each) else { return }
                pause = min(pause * 2, Self.longestPause)
            } while try !connect(&session)
            isAnew = true
        }
    }

    /// False when it cannot be done now.
    private func connect(_ session: inout Session) throws -> Bool {
        do {
            session = try Session.authenticated(options)
            return true
        } catch let status as Status where status.code == .unavailable || status.code == .deadlineExceeded {
            return false
        }
    }

    private func wait(_ milliseconds: Int, _ each: (V1.WatchResponse?) throws -> Bool) throws -> Bool {
        for _ in 0..<max(1, milliseconds / 50) {
            guard try each(nil) else { return false }
            usleep(50_000)
        }
        return true
    }
}

extension V1.WatchRequest {
    fileprivate var watchesChanges: Bool { kinds.isEmpty || kinds.contains(.change) }
}

extension Status {
    /// True for an end after which another try is worth it.
    fileprivate func passes(hasBegun: Bool, canLogIn: Bool) -> Bool {
        switch code {
        case .unavailable: true
        case .resourceExhausted: reason == "RESYNC"
        case .unauthenticated: hasBegun && canLogIn
        case .deadlineExceeded: hasBegun
        default: false
        }
    }
}
