// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

extension ExitStatus {
    init(_ code: StatusCode) {
        self =
            switch code {
            case .ok: .success
            case .notFound: .notFound
            case .alreadyExists, .failedPrecondition, .aborted: .conflict
            case .permissionDenied: .permissionDenied
            case .unauthenticated: .unauthenticated
            case .unavailable: .unavailable
            case .invalidArgument, .outOfRange: .invalidArgument
            case .deadlineExceeded: .deadlineExceeded
            case .cancelled, .unknown, .resourceExhausted, .unimplemented, .internal, .dataLoss: .failure
            }
    }
}

extension Failure {
    /// The daemon's refusal in the words of the command line, where `name` says what a person calls a field.
    init(_ status: Status, naming name: (String) -> String = FieldNames.option) {
        let found = status.details?.badRequest?.fieldViolations ?? []
        let violations = found.map { Violation(field: name($0.field ?? ""), rule: $0.description ?? "") }
        var message = status.message.isEmpty ? status.code.name : status.message
        if !violations.isEmpty {
            message = violations.count == 1 ? "a value is refused" : "\(violations.count) values are refused"
        }
        self.init(ExitStatus(status), message, violations: violations, hint: Self.hint(status))
    }

    private static func hint(_ status: Status) -> String? {
        if let hint = status.reason.flatMap({ hint(reason: $0, status) }) { return hint }
        return switch status.code {
        case .permissionDenied: "wgmctl whoami shows what you may do"
        case .unauthenticated:
            "on the gateway wgmctl login gets a token, without --token-file; for programs and other machines one is issued there, good for "
                + "the user or the certificate that it was issued for: wgmctl token issue with --bind-uid UID or --bind-certificate FILE"
        case .unavailable: "wgmctl status shows what does not work"
        case .notFound: "wgmctl interface list and wgmctl peer list show what there is"
        case .deadlineExceeded: "look whether it was done before you repeat it; --timeout 2m waits longer"
        case .resourceExhausted: status.retryAfterMilliseconds.map { "try again in \(($0 + 999) / 1000) s" }
        case .unimplemented: "wgmctl version shows whether wgmd is older than wgmctl"
        default: nil
        }
    }

    private static func hint(reason: String, _ status: Status) -> String? {
        switch reason {
        case "NOT_RUNNING":
            return "start wgmd (systemctl status wgmd says why it does not run), or name its socket with --socket PATH "
                + "or WGM_SOCKET"
        case "SILENT":
            return "systemctl status wgmd says why, wgmd check whether its configuration is right"
        case "NOT_LISTENING", "NO_ANSWER", "CONNECT_FAILED":
            return "is [tls] in the gateway's wgmd.toml, with this port, and does its firewall let it through?"
        case "NOT_ALLOWED":
            return
                "the gateway's `allow` in [tls] says from where connections may come; wgmctl audit list there shows it"
        case "SERVER_UNTRUSTED":
            return
                "--ca FILE names the authority, which is ca.pem where `wgmd certificate` made the certificate; the name or address "
                + "in --server must be in the certificate"
        case "KEY_CHANGED":
            return
                "when you know that the gateway has a new one, compare and pin it with wgmctl profile add --pin --replace; "
                + "until then do nothing"
        case "CERTIFICATE_REQUIRED":
            return "--cert FILE and --key FILE; `wgmd certificate --client NAME` on the gateway makes both"
        case "CERTIFICATE_REFUSED":
            return "use a certificate from the gateway's `client_ca`: `wgmd certificate --client NAME` makes one"
        case "TLS_FILE", "NO_SUCH_HOST", "NOT_WGM", "NO_TLS_1_3", "TLS_FAILED":
            return nil
        case "SOCKET_FORBIDDEN":
            return "an administrator can add you: usermod --append --groups wgm USER; "
                + "then, or if you are in it already, log in anew"
        case "MAY_HAVE_RUN", "OUTCOME_UNKNOWN", "CALL_UNDER_WAY":
            return "look whether it was done before you repeat it"
        case "KEY_ROTATION":
            return
                "wgmctl interface rotate-key: --now or --at TIME puts an announced key in force, --cancel forgets it, --undo goes "
                + "back to the key before, --finish forgets that one"
        case "NOT_FOLLOWED":
            return "do not repeat it; wgmctl status shows what is wrong, and wgmctl drift what the kernel still lacks"
        case "UNCONFIRMED":
            return "wgmctl confirm keeps that change, wgmctl confirm --undo takes it back"
        case "WOULD_CUT_SESSION":
            return "--force does it all the same; with --confirm 2m it is undone if you cannot come back"
        case "PLAN_CHANGED":
            return "look at the plan again: wgmctl plan"
        case "NOTHING_UNCONFIRMED":
            return "a change that is not confirmed in time is undone: wgmctl revision list shows it, and when"
        case "NOT_FOUND":
            return lookup(status)
        case "INTERFACE_HAS_PEERS":
            return "--with-peers deletes the interface and its peers"
        case Status.readUnanswered:
            return "wgmd is there, but does not answer: its log may say why; --timeout 2m waits longer"
        case "PERMISSION_MISSING":
            return missingRole(status)
        case Status.givenTokenTooNarrow:
            let grant = GrantText.text(resource: status.fact("resource"), verbs: [status.fact("verb") ?? "VERB"])
            return
                "a token may do what it was issued for and what its principal's roles allow, which wgmctl whoami shows; what "
                + "is missing is given by wgmctl token issue --principal NAME --grant '\(grant)', or wgmctl principal set-roles"
        default:
            return nil
        }
    }

    /// Which command shows what there is.
    private static func lookup(_ status: Status) -> String? {
        switch status.fact("kind") {
        case "principal": "wgmctl principal list shows who there is"
        case "token": "wgmctl token list shows those of programs; --principal NAME goes with the token of a login"
        case "revision": "wgmctl revision list shows which there are"
        case "interface": "wgmctl interface list shows the interfaces"
        case "peer": "wgmctl peer list\(status.fact("interface").map { " \($0)" } ?? "") shows the peers"
        default: nil
        }
    }

    /// The smallest role that has the permission, and who gives it.
    private static func missingRole(_ status: Status) -> String {
        let path = (status.fact("resource") ?? "").split(separator: "/", omittingEmptySubsequences: false)
        let isOfInterface = path.first == "node" && path.count > 2 && path[2] == "interface"
        let role =
            switch (isOfInterface, status.fact("verb")) {
            case (true, "get"?), (true, "list"?): "viewer"
            case (true, "create"?), (true, "update"?), (true, "delete"?): "operator"
            default: "admin"
            }
        return "the role \(role) has this right, wgmctl whoami shows your roles; an admin can change them: "
            + "wgmctl principal set-roles NAME --role \(role), with --uid UID for a user whom wgmctl login calls uid-UID"
    }
}

extension ExitStatus {
    /// What is wrong with the path of the socket is wrong with the command line, not with a value that a daemon refused.
    fileprivate init(_ status: Status) {
        switch status.reason {
        case "PATH_TOO_LONG", "NOT_A_SOCKET", "TLS_FILE", "NO_SERVER": self = .usage
        default: self.init(status.code)
        }
    }
}

extension Status {
    func fact(_ key: String) -> String? {
        details?.errorInfo?.metadata.first { $0.key == key }?.value
    }

    /// True unless it is certain that the daemon changed nothing.
    var mayHaveRun: Bool {
        switch reason {
        case "NEVER_RUN", "NOT_RUNNING", "NOT_LISTENING", "NO_ANSWER", "NOT_ALLOWED", "SERVER_UNTRUSTED", "KEY_CHANGED",
            "CERTIFICATE_REQUIRED", "CERTIFICATE_REFUSED", "CONNECT_FAILED", "NO_SUCH_HOST", "TLS_FILE", "TLS_FAILED":
            return false
        case "MAY_HAVE_RUN", "OUTCOME_UNKNOWN", "CALL_UNDER_WAY", "NOT_FOLLOWED", "REPLY_TOO_LARGE": return true
        default: break
        }
        return switch code {
        case .deadlineExceeded, .cancelled, .unknown, .internal, .dataLoss: true
        default: false
        }
    }
}
