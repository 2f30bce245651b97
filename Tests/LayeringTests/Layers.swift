// SPDX-License-Identifier: Apache-2.0

/// What a target may import: the table of ARCHITECTURE.md, as data.
struct Layer: Sendable {
    /// Targets of this package.
    let ours: Set<String>
    /// Everything else: system libraries, packages, the parts of the toolchain.
    let outside: Set<String>

    init(_ ours: Set<String>, outside: Set<String> = []) {
        self.ours = ours
        self.outside = outside
    }

    func allows(_ module: String) -> Bool { ours.contains(module) || outside.contains(module) }
}

private let system: Set<String> = ["Glibc", "Dispatch", "Synchronization"]
private let nio: Set<String> = ["NIOCore", "NIOPosix"]
private let tls: Set<String> = ["NIOSSL", "NIOTLS", "NIOEmbedded"]
private let x509: Set<String> = ["X509", "Crypto", "SwiftASN1"]

/// Every folder of `Sources` that holds Swift code.
let layers: [String: Layer] = [
    "WGMModel": Layer([]),
    "WGMConfigFile": Layer(["WGMModel"]),
    "WGMVerify": Layer(["WGMModel"], outside: ["CSodium"]),
    "WGMKeys": Layer(["WGMModel"], outside: ["CSodium"]),
    "WGMControl": Layer(["WGMModel", "WGMVerify"], outside: ["Logging", "Synchronization"]),
    "WGMKernel": Layer(["WGMModel", "WGMKeys", "CWGMSystem"], outside: system.union(["CMnl"])),
    "WGMKeeperProtocol": Layer(["WGMModel", "CWGMSystem"], outside: system),
    "WGMService": Layer(["CWGMSystem"], outside: system),
    "WGMKeeper": Layer(
        ["WGMModel", "WGMVerify", "WGMKeys", "WGMKernel", "WGMKeeperProtocol", "CWGMSystem"],
        outside: system
    ),
    "WGMStore": Layer(["WGMModel", "WGMControl"], outside: system.union(["CPostgres"])),
    "WGMResolver": Layer(["WGMModel", "WGMControl"], outside: ["Glibc", "Dispatch", "CCares"]),
    "WGMWire": Layer(["CWGMProto"], outside: system),
    "WGMGatewayFile": Layer(["WGMModel", "WGMWire"], outside: ["CLibYAML"]),
    "WGMRPC": Layer(["WGMWire"], outside: system.union(nio).union(tls)),
    "WGMServer": Layer(
        ["WGMModel", "WGMVerify", "WGMWire", "WGMRPC", "WGMControl"],
        outside: system.union(nio).union(["Logging"])
    ),
    "wgmd": Layer(
        [
            "WGMModel", "WGMVerify", "WGMControl", "WGMKeeperProtocol", "WGMStore", "WGMResolver", "WGMWire", "WGMRPC",
            "WGMServer", "WGMService", "CWGMSystem",
        ],
        outside: system.union(nio).union(["ArgumentParser", "Logging", "TOMLKit"])
    ),
    "wgmd-keeper": Layer(
        ["WGMModel", "WGMKeys", "WGMKernel", "WGMKeeper", "WGMKeeperProtocol", "WGMService", "CWGMSystem"],
        outside: ["Glibc"]
    ),
    "wgmd-cluster": Layer([], outside: ["Glibc"]),
    "wgmd-certificate": Layer(
        ["WGMModel", "CWGMSystem"],
        outside: system.union(x509).union(["ArgumentParser", "FoundationEssentials"])
    ),
    "wgmctl": Layer(
        ["WGMModel", "WGMConfigFile", "WGMGatewayFile", "WGMVerify", "WGMKeys", "WGMWire", "WGMRPC", "CWGMSystem"],
        outside: system.union(["CQREncode", "ArgumentParser"])
    ),
]

/// Modules with one home, or two: who else imports them has taken over a job that is not his.
let homes: [String: Set<String>] = [
    "CMnl": ["WGMKernel"],
    "CSodium": ["WGMKeys", "WGMVerify"],
    "CPostgres": ["WGMStore"],
    "CWGMProto": ["WGMWire"],
    "CQREncode": ["wgmctl"],
    "CLibYAML": ["WGMGatewayFile"],
    "CCares": ["WGMResolver"],
    "WGMKeys": ["WGMKernel", "WGMKeeper", "wgmd-keeper", "wgmctl"],
    "WGMKernel": ["WGMKeeper", "wgmd-keeper"],
    "WGMKeeper": ["wgmd-keeper"],
    "NIOCore": ["WGMRPC", "WGMServer", "wgmd"],
    "NIOPosix": ["WGMRPC", "WGMServer", "wgmd"],
    "NIOSSL": ["WGMRPC"],
    "NIOEmbedded": ["WGMRPC"],
    "X509": ["wgmd-certificate"],
    "Crypto": ["wgmd-certificate"],
    "FoundationEssentials": ["wgmd-certificate"],
]

/// Targets whose API programs outside this package may use.
let publicTargets: Set<String> = ["WGMWire", "WGMRPC"]
