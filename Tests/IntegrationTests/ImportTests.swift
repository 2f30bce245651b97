// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A gateway beside which plain WireGuard runs already, as wg-quick leaves it.
private struct OldTunnel {
    let gateway: Gateway

    init() async throws {
        gateway = try Gateway(furnished: false)
        #expect(try gateway.control("login").code == 0)
        try await require(
            "cd /run/gateway && umask 077 && export XDG_RUNTIME_DIR=\(gateway.folder.path)/user NO_COLOR=1"
        )
        try await require("wg genkey >old.key && wg genkey >far.key && wg genpsk >old.psk")
        try await require("join_networks far 192.0.2.1/24 192.0.2.2/24")
        try await require(
            """
            printf '%s\\n' '[Interface]' "PrivateKey = $(cat old.key)" 'Address = 10.77.0.1/24' 'ListenPort = 51830' \
            'PostUp = touch /run/gateway/was-run' 'SaveConfig = true' '' '# Far office' '[Peer]' \
            "PublicKey = $(wg pubkey <far.key)" "PresharedKey = $(cat old.psk)" 'AllowedIPs = 10.77.0.2/32' >old.conf
            """
        )
        try await require(
            """
            printf '%s\\n' '[Interface]' "PrivateKey = $(cat far.key)" 'Address = 10.77.0.2/24' '[Peer]' \
            "PublicKey = $(wg pubkey <old.key)" "PresharedKey = $(cat old.psk)" 'Endpoint = 192.0.2.1:51830' \
            'AllowedIPs = 10.77.0.1/32' >far.conf
            """
        )
        try await require("backend=userspace; ! kernel_has_wireguard || backend=kernel")
        try await require("connect_peer far ./far.conf $backend")
    }

    /// Starts the interface as wg-quick would do it.
    func start() async throws {
        try await require(
            """
            if [ $backend = kernel ]; then ip link add old type wireguard; else \
            setpriv --reuid wgmd-keeper --regid wgmd-keeper --clear-groups --inh-caps +net_admin \
            --ambient-caps +net_admin wireguard-go -f old >/dev/null 2>&1 & \
            within 10 test -S /run/wireguard/old.sock; fi
            """
        )
        try await require("wg setconf old <(wg-quick strip ./old.conf) && ip address add 10.77.0.1/24 dev old")
        try await require("ip link set old mtu 1400 up && within 40 ip netns exec far ping -q -c 1 -W 2 10.77.0.1")
    }

    func stop() async throws {
        _ = try gateway.control("interface", "delete", "old", "--with-peers")
        try await require("! ip link show old 2>/dev/null || ip link delete old")
    }

    func control(_ arguments: String) async throws -> (code: Int32, output: String) {
        try await gateway.inside("wgmctl --socket \(gateway.socket) \(arguments) 2>&1; code=$?; echo; (exit $code)")
    }

    @discardableResult
    func require(_ command: String) async throws -> String {
        let (code, output) = try await gateway.inside("{ \(command); } 2>&1")
        guard code == 0 else { throw Gateway.Unusable(description: "\(command):\n\(output)") }
        return output
    }

    /// What the kernel holds, but for counters.
    func held() async throws -> String {
        try await require(
            "wg show old dump | cut -f 1-5,8; ip -o address show dev old | sed 's/^[0-9]*//'; ip link show old | grep -o 'mtu [0-9]*'"
        )
    }
}

@Suite("Import of what runs", .serialized)
struct ImportTests {
    @Test("A running tunnel is taken over from its file and from the kernel without losing a packet, keys and all")
    func takeOver() async throws {
        let tunnel = try await OldTunnel()
        for arguments in ["import ./old.conf --yes -m moving", "import --kernel old --yes"] {
            try await tunnel.start()
            let before = try await tunnel.held()
            let handshake = try await tunnel.require("wg show old latest-handshakes")
            try await tunnel.require(
                "ip netns exec far ping -q -i 0.01 -c 500 -W 2 10.77.0.1 >stream 2>&1 & stream_pid=$!"
            )
            let plan = try await tunnel.control(arguments.replacing("--yes", with: "--dry-run"))
            #expect(plan.code == 0 && plan.output.contains("its sessions go on"), "\(plan.output)")
            let unconfirmed = try await tunnel.control(arguments.replacing("--yes", with: "</dev/null"))
            #expect(unconfirmed.output.contains("nobody is there to confirm it"), "\(unconfirmed.output)")
            #expect(try await tunnel.control("interface list").output.contains("old") == false)
            try await tunnel.require("! ip link show old | grep wgm:")
            let done = try await tunnel.control(arguments)
            #expect(done.code == 0, "\(done.output)")
            try await tunnel.require("wait $stream_pid; grep ' 0% packet loss' stream")
            #expect(try await tunnel.held() == before)
            #expect(try await tunnel.require("wg show old latest-handshakes") == handshake)
            try await tunnel.require("ip link show old | grep wgm:")
            let peers = try await tunnel.control("peer list old")
            #expect(peers.output.contains(arguments.contains("conf") ? "Far-office" : "key-"))
            #expect(try await tunnel.control("status").code == 0)
            #expect(try await tunnel.control("import --kernel old --yes").code == 4)
            try await tunnel.stop()
        }
        try await tunnel.require("! test -e was-run")
        let secrets = try await tunnel.require("cat old.key old.psk")
        let log = try String(contentsOfFile: tunnel.gateway.folder.path + "/wgmd.log", encoding: .utf8)
        let audit = try await tunnel.control("audit list --limit 1000 -o json").output
        let revisions = try await tunnel.control("revision list").output
        for secret in secrets.split(separator: "\n") {
            #expect(!log.contains(secret) && !audit.contains(secret) && !revisions.contains(secret))
        }
        #expect(audit.contains("wgm.v1.Interfaces/ImportInterface"))
        #expect(revisions.contains("import interface old with 1 peer") && revisions.contains("moving"))
        await tunnel.gateway.stop()
    }

    @Test("An import that nobody confirms gives the link back as it was, and so does a rollback behind it")
    func givenBack() async throws {
        let tunnel = try await OldTunnel()
        try await tunnel.start()
        let before = try await tunnel.held()
        try await tunnel.require(
            "ip netns exec far ping -q -i 0.01 -c 2500 -W 2 10.77.0.1 >stream 2>&1 & stream_pid=$!"
        )
        let trial = try await tunnel.control("import --kernel old --yes --confirm 10s")
        #expect(trial.code == 0, "\(trial.output)")
        try await tunnel.require("ip link show old | grep wgm:")
        try await tunnel.require("within 30 eval '! ip link show old | grep wgm:'")
        #expect(try await tunnel.held() == before)
        #expect(try await tunnel.control("interface list").output.contains("old") == false)
        let taken = try await tunnel.control("import --kernel old --yes")
        #expect(taken.code == 0, "\(taken.output)")
        let rolled = try await tunnel.control("revision rollback 1")
        #expect(rolled.code == 0, "\(rolled.output)")
        try await tunnel.require("! ip link show old | grep wgm:")
        #expect(try await tunnel.held() == before)
        try await tunnel.require("wait $stream_pid; grep ' 0% packet loss' stream")
        try await tunnel.stop()
        await tunnel.gateway.stop()
    }

    @Test("A file that does not run is made into an interface; what is wrong with files is told with line and column")
    func files() async throws {
        let tunnel = try await OldTunnel()
        let missing = try await tunnel.control("import ./nothing.conf --yes")
        #expect(missing.code == 1 && missing.output.contains("No such file"))
        try await tunnel.require("ln -s old.conf link.conf; mkdir folder.conf; truncate -s 5M large.conf")
        #expect(try await tunnel.control("import ./link.conf --yes").output.contains("symbolic link"))
        #expect(try await tunnel.control("import ./folder.conf --yes").output.contains("is a folder"))
        #expect(try await tunnel.control("import ./large.conf --yes").output.contains("larger than 4 MiB"))
        #expect(try await tunnel.control("import ./old.conf").output.contains("nobody is there to confirm it"))
        try await tunnel.require("cp old.conf 'a-name-too-long-for-linux.conf'")
        #expect(try await tunnel.control("import ./a-name-too-long-for-linux.conf --yes").code == 64)
        try await tunnel.require(
            "{ cat old.conf; printf '[Peer]\\nPublicKey = x\\nAllowedIPs = 10.0.0.1/99\\n'; } >bad.conf"
        )
        let bad = try await tunnel.control("import ./bad.conf ./old.conf --yes")
        #expect(
            bad.code == 8 && bad.output.contains("./bad.conf: line 14, column 13")
                && bad.output.contains("line 15, column 14")
        )
        try await tunnel.require(
            "{ cat old.conf; printf '[Peer]\\nPublicKey = %s\\nAllowedIPs = 10.77.0.0/30\\n' $(wg genkey | wg pubkey); } >two.conf"
        )
        let two = try await tunnel.control("import ./two.conf --yes")
        #expect(two.code == 8 && two.output.contains("10.77.0.2/32 overlaps 10.77.0.0/30 at line 15, column 14"))
        try await tunnel.require(
            "{ cat old.conf; printf '[Peer]\\nPublicKey = %s\\nEndpoint = under_score.example.org:1\\n' $(wg genkey | wg pubkey); } >named.conf"
        )
        let named = try await tunnel.control("import ./named.conf --yes")
        #expect(named.code == 8 && named.output.contains("under_score.example.org is no host name"), "\(named.output)")
        #expect(try await tunnel.control("interface list -o json").output.contains("\"name\"") == false)
        try await tunnel.require("chmod 644 old.conf")
        try await tunnel.require("echo 'Endpoint = Far.Example.org.:51830' >>old.conf")
        let done = try await tunnel.control("import ./old.conf --yes")
        #expect(done.code == 0 && done.output.contains("can be read by others"), "\(done.output)")
        #expect(done.output.contains("line 5: PostUp is not taken, wgm runs no commands: touch /run/gateway/was-run"))
        try await tunnel.require("within 10 ip netns exec far ping -q -c 1 -W 2 10.77.0.1 && ! test -e was-run")
        #expect(try await tunnel.control("peer list old -o json").output.contains("\"far.example.org:51830\""))
        #expect(try await tunnel.require("wg show old private-key") == tunnel.require("cat old.key"))
        #expect(try await tunnel.require("wg show old preshared-keys | cut -f 2") == tunnel.require("cat old.psk"))
        await tunnel.gateway.stop()
    }
}
