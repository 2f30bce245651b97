// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMWire

@testable import wgmctl

@Suite("wgmctl doctor")
final class DoctorTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "wgm-doctor-\(UUID().uuidString)")

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// A machine that has these files and no others.
    private func machine(_ files: [String: String], synchronised: Bool? = true) throws -> Machine {
        for (path, text) in files {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: file)
        }
        return Machine(root: folder.path, kernelRelease: "6.1.0-1-amd64", clockIsSynchronised: synchronised)
    }

    private let program = "/usr/bin/wireguard-go"

    @Test("finds WireGuard in the kernel, as a module, as a program, or nowhere")
    func wireGuard() throws {
        #expect(try machine([:]).wireGuard(program).state == .fail)
        let tun = try machine(["usr/bin/wireguard-go": ""])
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755],
            ofItemAtPath: folder.appending(path: "usr/bin/wireguard-go").path
        )
        #expect(tun.wireGuard(program).cure == "modprobe tun")
        let closed = try machine(["dev/net/tun": ""])
        #expect(closed.wireGuard(program).cure?.hasPrefix("chmod 0666 /dev/net/tun") == true)
        #expect(unsafe chmod(closed.root + "/dev/net/tun", 0o666) == 0)
        #expect(closed.wireGuard(program).state == .warn)
        let dependencies = "kernel/drivers/net/wireguard/wireguard.ko: kernel/net/ipv4/udp_tunnel.ko\n"
        #expect(try machine(["lib/modules/6.1.0-1-amd64/modules.dep": dependencies]).wireGuard(program).state == .ok)
        #expect(try machine(["sys/module/wireguard/version": "1.0.0\n"]).wireGuard(program).state == .ok)
    }

    @Test("says when nothing is forwarded, and when there is no IPv6")
    func forwarding() throws {
        let off = try machine(["proc/sys/net/ipv4/ip_forward": "0\n"])
        #expect(off.forwarding4.state == .warn)
        #expect(off.forwarding4.cure?.contains("net.ipv4.ip_forward=1") == true)
        #expect(off.forwarding6.state == .fail)
        let on = try machine([
            "proc/sys/net/ipv4/ip_forward": "1\n", "proc/sys/net/ipv6/conf/all/forwarding": "1\n",
        ])
        #expect([on.forwarding4, on.forwarding6].allSatisfy { $0.state == .ok })
    }

    @Test("asks for a clock that somebody keeps right", arguments: [(true, "ok"), (false, "warn"), (nil, "warn")])
    func clock(_ synchronised: Bool?, _ state: String) throws {
        #expect(try machine([:], synchronised: synchronised).clock.state.rawValue == state)
    }

    @Test("offers a drop-in where systemd-networkd would delete the routes of others")
    func networkd() throws {
        #expect(try machine([:]).networkd == nil)
        // Where it is installed and switched off the folder is there, and empty.
        #expect(try machine(["run/systemd/netif/links/.none": ""]).networkd == nil)
        let unit = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
        #expect(try machine([unit: ""]).networkd?.state == .warn)
        let running = try machine(["run/systemd/netif/links/2": ""])
        #expect(running.networkd?.state == .warn)
        #expect(running.networkd?.cure?.contains("ManageForeignRoutes=no") == true)
        let half = try machine(["etc/systemd/networkd.conf": "[Network]\nManageForeignRoutes=no\n#x=y\n"])
        #expect(half.networkd?.state == .warn)
        let dropIn = "[Network]\nManageForeignRoutingPolicyRules = no\n"
        let whole = try machine(["etc/systemd/networkd.conf.d/60-wgm.conf": dropIn])
        #expect(whole.networkd?.state == .ok)
        // A later drop-in has the last word.
        let undone = try machine(["etc/systemd/networkd.conf.d/90-other.conf": "[Network]\nManageForeignRoutes=yes\n"])
        #expect(undone.networkd?.state == .warn)
    }

    @Test("finds interfaces that are up and do not listen")
    func ports() throws {
        let line = "  12: 00000000000000000000000000000000:CA6C 00000000000000000000000000000000:0000 07\n"
        let open = try machine(["proc/net/udp6": "  sl  local_address remote_address st\n" + line]).openPorts
        #expect(open == [51820])
        let listening = V1.Interface(name: "wg0", up: true, listenPort: 51820)
        let silent = V1.Interface(name: "wg1", up: true, listenPort: 51821)
        let down = V1.Interface(name: "wg2", up: false, listenPort: 51822)
        #expect(DaemonCheck.portFindings([listening, down], open: open).map(\.state) == [.ok])
        let found = DaemonCheck.portFindings([listening, silent, down], open: open)
        #expect(found.map(\.state) == [.fail])
        #expect(found.first?.message == "nobody listens for wg1 (51821)")
    }

    @Test("has a cure for every part of the gateway that is not well")
    func components() {
        for name in ["database", "keeper", "reconciler", "other"] {
            let finding = DaemonCheck.finding(V1.HealthComponent(name: name, healthy: false, message: "away"))
            #expect(finding.state == .fail)
            #expect(finding.cure?.isEmpty == false)
        }
        #expect(DaemonCheck.finding(V1.HealthComponent(name: "keeper", healthy: true)).state == .ok)
    }

    @Test("fails if one check fails, whatever the others say, and programs can read it")
    func diagnosis() {
        let findings = [Finding.ok("clock", "synchronised"), .warn("wgmd", "old", cure: "upgrade")]
        #expect(!Diagnosis(findings: findings).hasFailure)
        let bad = Diagnosis(findings: findings + [.fail("socket", "missing", cure: "start wgmd")])
        #expect(bad.hasFailure)
        #expect(bad.text(styled: false).contains("fail  socket  missing\n      start wgmd\n"))
        #expect(bad.document.json.contains("\"healthy\": false"))
    }

    @Test("knows a socket that is not there, none, and one for everybody")
    func socket() throws {
        _ = try machine(["file": ""])
        #expect(SocketCheck(path: folder.appending(path: "missing").path).finding.state == .fail)
        #expect(SocketCheck(path: folder.appending(path: "file").path).finding.message.hasSuffix("is not a socket"))
    }
}
