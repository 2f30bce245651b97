// SPDX-License-Identifier: Apache-2.0

extension Machine {
    /// Everything that needs neither root nor the daemon.
    func findings(userspaceProgram: String = "/usr/bin/wireguard-go") -> [Finding] {
        [wireGuard(userspaceProgram), forwarding6, forwarding4, clock] + [networkd].compactMap(\.self)
    }

    // MARK: WireGuard

    func wireGuard(_ program: String) -> Finding {
        let name = "wireguard"
        let folder = "/lib/modules/\(kernelRelease)"
        if exists("/sys/module/wireguard") { return .ok(name, "the kernel has WireGuard") }
        if contains("/wireguard.ko", in: folder + "/modules.dep")
            || contains("/wireguard.ko", in: folder + "/modules.builtin")
        {
            return .ok(name, "the kernel has WireGuard as a module, which is loaded when it is needed")
        }
        let cure = "install a kernel with WireGuard (Linux 5.6 or later), or the package wireguard-go"
        guard canExecute(program) else {
            return .fail(name, "the kernel \(kernelRelease) has no WireGuard, and there is no \(program)", cure: cure)
        }
        guard exists("/dev/net/tun") else {
            return .fail(name, "the kernel has no WireGuard, and \(program) needs /dev/net/tun", cure: "modprobe tun")
        }
        guard isOpenToAll("/dev/net/tun") else {
            return .fail(
                name,
                "the kernel has no WireGuard, and the user wgmd-keeper may not open /dev/net/tun for \(program)",
                cure: "chmod 0666 /dev/net/tun, which is its mode where udev runs"
            )
        }
        return .warn(
            name,
            "the kernel has no WireGuard; \(program) is used, which is slower",
            cure: "install a kernel with WireGuard (Linux 5.6 or later)"
        )
    }

    // MARK: Forwarding

    var forwarding6: Finding {
        let name = "ipv6 forwarding"
        switch read("/proc/sys/net/ipv6/conf/all/forwarding") {
        case "1": return .ok(name, "on")
        case nil:
            return .fail(name, "this kernel has no IPv6", cure: "remove ipv6.disable=1 from the kernel's command line")
        default: return forwardingIsOff(name, "net.ipv6.conf.all.forwarding")
        }
    }

    var forwarding4: Finding {
        let name = "ipv4 forwarding"
        return read("/proc/sys/net/ipv4/ip_forward") == "1"
            ? .ok(name, "on") : forwardingIsOff(name, "net.ipv4.ip_forward")
    }

    private func forwardingIsOff(_ name: String, _ key: String) -> Finding {
        .warn(
            name,
            "off: peers reach this gateway, and nothing behind it",
            cure: "if they should: echo '\(key)=1' | sudo tee -a /etc/sysctl.d/90-wgm.conf; sudo sysctl --system"
        )
    }

    // MARK: Clock

    var clock: Finding {
        let name = "clock"
        switch clockIsSynchronised {
        case true?: return .ok(name, "synchronised")
        case false?:
            return .warn(
                name,
                "not synchronised: tokens and handshakes need the right time",
                cure: "install and start systemd-timesyncd or chrony; timedatectl shows what it does"
            )
        case nil: return .warn(name, "the kernel does not say whether it is synchronised", cure: "timedatectl")
        }
    }

    // MARK: systemd-networkd

    /// nil where networkd neither runs nor is to be started: it deletes routes and rules that it did not make, unless it is
    /// told not to.
    var networkd: Finding? {
        // The folder is there all the same; a file of each link is only while it runs.
        let isRunning = !names(in: "/run/systemd/netif/links").isEmpty
        let isEnabled = exists("/etc/systemd/system/multi-user.target.wants/systemd-networkd.service")
        guard isRunning || isEnabled else { return nil }
        let keys = ["ManageForeignRoutes", "ManageForeignRoutingPolicyRules"]
        let settings = networkdSettings
        let missing = keys.filter { key in !["no", "false", "off", "0"].contains(settings[key] ?? "yes") }
        guard !missing.isEmpty else { return .ok("systemd-networkd", "leaves the routes and rules of others alone") }
        return .warn(
            "systemd-networkd",
            "it deletes routes and rules that it did not make, at its every restart",
            cure: """
                sudo mkdir -p /etc/systemd/networkd.conf.d; put this into its file 60-wgm.conf; then: sudo systemctl try-restart systemd-networkd
                [Network]
                \(keys.map { "\($0)=no" }.joined(separator: "\n"))
                """
        )
    }

    /// Of the main file and its drop-ins; the last word counts, in the order of the file names as systemd reads them.
    private var networkdSettings: [String: String] {
        let folders = ["/usr/lib/systemd", "/run/systemd", "/etc/systemd"]
        var dropIns: [String: String] = [:]
        for folder in folders {
            for name in names(in: folder + "/networkd.conf.d") where name.hasSuffix(".conf") {
                dropIns[name] = folder + "/networkd.conf.d/" + name
            }
        }
        let main = folders.reversed().map { $0 + "/networkd.conf" }.first { exists($0) }
        let files = [main].compactMap(\.self) + dropIns.sorted { $0.key < $1.key }.map(\.value)
        var settings: [String: String] = [:]
        for line in files.flatMap({ (read($0) ?? "").split(separator: "\n") }) {
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            if parts.count == 2, !parts[0].hasPrefix("#"), !parts[0].hasPrefix(";") {
                settings[parts[0]] = parts[1].lowercased()
            }
        }
        return settings
    }

    // MARK: Ports

    /// The UDP ports that are open here, of both families.
    var openPorts: Set<UInt32> {
        let lines = ["/proc/net/udp", "/proc/net/udp6"].flatMap {
            (read($0, limit: 4 << 20) ?? "").split(separator: "\n")
        }
        return Set(
            lines.compactMap { line in
                let fields = line.split(separator: " ", omittingEmptySubsequences: true)
                guard fields.count > 1, let port = fields[1].split(separator: ":").last else { return nil }
                return UInt32(port, radix: 16)
            }
        )
    }
}
