// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMConfigFile

/// `wg-quick strip` and `wg setconf` on a userspace interface, in a network namespace of their own.
@Suite("Beside real wg-quick and wg")
struct WitnessTests {
    /// Where this parser and Debian 12's tools differ on purpose.
    static let exceptions: [String: String] = [
        "accept-allowed-empty": "wg 1.0.20210914 refuses an empty AllowedIPs, though its manual allows it",
        "accept-byte-order-mark": "wg takes the mark for a part of [Interface]",
        "accept-byte-order-mark-crlf": "wg takes the mark for a part of [Interface]",
        "refuse-endpoint-port-too-large": "glibc cuts the port to 16 bits",
        "refuse-endpoint-short-v4": "glibc reads 127.1 as 127.0.0.1",
        "refuse-port-too-large": "glibc cuts the port to 16 bits",
        "refuse-port-name": "glibc looks the name of a service up",
        "refuse-zero-byte": "wg ignores what follows the zero byte",
        "refuse-address": "only `ip address add` would refuse it, after the link was made",
        "refuse-dns": "only resolvconf would refuse it",
        "refuse-mtu": "only `ip link set` would refuse it, after the link was made",
        "refuse-table": "only `ip route add` would refuse it",
        "refuse-unicode-column": "only `ip address add` would refuse it",
    ]

    @Test("each file is accepted or refused as they do, but for the listed exceptions")
    func agreement() throws {
        let verdicts = try Self.verdicts(of: CorpusFile.all.map(\.path))
        #expect(verdicts.count == CorpusFile.all.count)
        for file in CorpusFile.all {
            let mine = Reading(try file.bytes()).isAccepted
            let theirs = verdicts[file.name]
            let differs = mine != theirs
            #expect(differs == (Self.exceptions[file.name] != nil), "\(file.name): wgm \(mine), wg \(theirs as Bool?)")
        }
    }

    @Test("what is written is accepted by them, and the interface then holds the same")
    func written() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "wgm-corpus-\(UInt32.random(in: 0 ... .max))"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var pairs: [(String, String)] = []
        for file in CorpusFile.all where file.isAccepted && Self.exceptions[file.name] == nil {
            let bytes = try file.bytes()
            let parsed = try ConfigurationParser.parse(bytes.span)
            let path = folder.appending(path: file.name + ".conf").path
            try Data(parsed.exported(from: bytes)).write(to: URL(filePath: path))
            pairs.append((file.path, path))
        }
        let before = try Self.run(pairs.map(\.0), "show_conf")
        let after = try Self.run(pairs.map(\.1), "show_conf")
        #expect(before == after)
        #expect(before.contains("10.0.0.2/32"))
    }

    private static func verdicts(of paths: [String]) throws -> [String: Bool] {
        let lines = try run(paths, "verdict").split(separator: "\n")
        let pairs = lines.map { line in
            let words = line.split(separator: " ")
            return (String(words[0]), words[1] == "0")
        }
        return Dictionary(pairs) { first, _ in first }
    }

    private static func run(_ paths: [String], _ function: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        process.arguments = ["--net", "--mount", "/bin/bash", "-c", script, "witness", function] + paths
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A name of at most 15 characters is what wg-quick wants of a file, so each is copied to one.
    private static let script = #"""
        set -u
        mkdir -p /run/wireguard
        mount -t tmpfs none /run/wireguard
        ip link set lo up
        LOG_LEVEL=silent WG_PROCESS_FOREGROUND=1 wireguard-go -f wgwitness >/dev/null 2>&1 &
        program=$!
        for _ in $(seq 100); do [ -S /run/wireguard/wgwitness.sock ] && break; sleep 0.05; done
        copy=/run/wireguard/wgwitness.conf
        apply() { wg-quick strip "$copy" >/run/wireguard/stripped && wg setconf wgwitness /run/wireguard/stripped; }
        verdict() { apply; code=$?; echo "$(basename "$1" .conf) $code"; }
        # A port that the file does not say is chosen anew each time.
        show_conf() {
            apply || echo refused
            basename "$1"
            wg show wgwitness dump | cut -f 1-4,8 | if grep -qiE 'listen *port *=[ 0]*[1-9]' "$copy"; then cat; else sed '1s/\t[^\t]*/\t-/2'; fi | sort
        }
        function=$1; shift
        for path; do cp "$path" "$copy"; "$function" "$path"; done
        kill "$program"; wait "$program" 2>/dev/null
        exit 0
        """#
}
