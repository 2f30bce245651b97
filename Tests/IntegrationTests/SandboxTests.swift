// SPDX-License-Identifier: Apache-2.0

import Testing

/// Forbidden actions, tried by the real processes themselves; each has a neighbour that is allowed, to show that the
/// refusal is no accident.
@Suite("Sandbox")
struct SandboxTests {
    private func attempt(_ call: String, by pid: String, in gateway: Gateway) async throws -> String {
        try await gateway.inside("\"$here/lib/inject-call\" \(pid) \(call) 2>&1").output
    }

    private func expect(
        _ outcomes: [(call: String, outcome: String)],
        by pid: String,
        in gateway: Gateway
    ) async throws {
        for (call, outcome) in outcomes {
            let found = try await attempt(call, by: pid, in: gateway)
            #expect(found == outcome, "\(pid) \(call)")
        }
    }

    @Test("wgmd starts no program, reads no key, writes nothing outside its run folder")
    func wgmd() async throws {
        let gateway = try Gateway(furnished: false)
        let outcomes = [
            ("open:/etc/hostname", "ok"), ("open:/", "EACCES"), ("open:/run/gateway/state/keeper/kek", "EACCES"),
            ("open:\(gateway.folder.path)/wgmd.log", "EACCES"), ("create:/tmp/wgm-forbidden", "EACCES"),
            ("execute:/bin/true", "EPERM"), ("fork", "EPERM"), ("ptrace", "EPERM"), ("raw", "EPERM"), ("tcp", "ok"),
        ]
        try await expect(outcomes, by: "$wgmd_pid", in: gateway)
        let status = try await gateway.inside(
            "grep -E '^(Seccomp|NoNewPrivs):' /proc/$wgmd_pid/status | xargs"
        )
        #expect(status.output == "NoNewPrivs: 1 Seccomp: 2")
        #expect(try gateway.control("status").code == 0)
        await gateway.stop()
    }

    @Test("The keeper makes no connection, and no program but userspace WireGuard starts")
    func keeper() async throws {
        let gateway = try Gateway(furnished: false)
        let keeper = "$(processes -x wgmd-keeper)"
        let shared = [
            ("netlink", "ok"), ("open:/", "EACCES"), ("create:/tmp/wgm-forbidden", "EACCES"), ("tcp", "EPERM"),
            ("raw", "EPERM"), ("ptrace", "EPERM"),
        ]
        try await expect(shared + [("execute:/bin/true", "EACCES"), ("udp", "ok")], by: keeper, in: gateway)
        #expect(try gateway.control("status").code == 0)

        let restart = "stop_wgmd && echo 'userspace_program = \"\"' >>/run/gateway/wgmd.toml && restart_wgmd"
        #expect(try await gateway.inside(restart).code == 0)
        let strict = [("execute:/bin/true", "EPERM"), ("fork", "EPERM"), ("udp", "EPERM")]
        try await expect(shared + strict, by: keeper, in: gateway)
        #expect(try gateway.control("status").code == 0)
        await gateway.stop()
    }
}
