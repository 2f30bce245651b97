// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// The settings of every Swift target here: with strict memory safety, `grep -rn unsafe Sources` is the complete list of
/// what a security reviewer must read.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let tls: [Target.Dependency] = [
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOEmbedded", package: "swift-nio"),
]
let x509: [Target.Dependency] = [
    .product(name: "X509", package: "swift-certificates"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "Crypto", package: "swift-crypto"),
]
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

/// A library target with the strict settings.
func layer(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// An executable target with the strict settings.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A test target with the strict settings.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let systemLibraries: [Target] = [
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "CQREncode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
    .systemLibrary(name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
]

/// What `make fuzz` feeds, as a library that the tests run with the seeds.
let fuzzTargets: Target = .target(
    name: "FuzzTargets",
    dependencies: [
        "WGMModel", "WGMConfigFile", "WGMGatewayFile", "WGMKeys", "WGMKernel", "WGMWire", "WGMKeeperProtocol",
        "WGMKeeper",
    ],
    path: "Fuzz/Targets",
    swiftSettings: strict
)

/// libFuzzer brings `main`, so this program is part of the package for Fuzz/fuzz only.
let fuzzDriver: [Target] =
    Context.environment["WGM_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "wgm-fuzz",
            dependencies: ["FuzzTargets"],
            path: "Fuzz/Driver",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]
        )
    ]

let package = Package(
    name: "wgm",
    products: [
        .library(name: "WGMRPC", targets: ["WGMRPC", "WGMWire"]),
        .executable(name: "wgmd", targets: ["wgmd"]),
        .executable(name: "wgmd-keeper", targets: ["wgmd-keeper"]),
        .executable(name: "wgmd-cluster", targets: ["wgmd-cluster"]),
        .executable(name: "wgmd-certificate", targets: ["wgmd-certificate"]),
        .executable(name: "wgmctl", targets: ["wgmctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: systemLibraries + [
        .target(name: "CWGMProto", dependencies: ["CProtobufC"]),
        .target(name: "CWGMSystem"),
        layer("WGMModel", []),
        layer("WGMConfigFile", ["WGMModel"]),
        layer("WGMVerify", ["WGMModel", "CSodium"]),
        layer("WGMKeys", ["WGMModel", "CSodium"]),
        layer("WGMControl", ["WGMModel", "WGMVerify", logging]),
        layer("WGMKernel", ["WGMModel", "WGMKeys", "CMnl", "CWGMSystem"]),
        layer("WGMKeeperProtocol", ["WGMModel", "CWGMSystem"]),
        layer("WGMService", ["CWGMSystem"]),
        layer("WGMKeeper", ["WGMModel", "WGMVerify", "WGMKeys", "WGMKernel", "WGMKeeperProtocol", "CWGMSystem"]),
        layer(
            "WGMStore",
            ["WGMModel", "WGMControl", "CPostgres"],
            resources: [.embedInCode("Migrations")]
        ),
        layer("WGMResolver", ["WGMModel", "WGMControl", "CCares"]),
        layer("WGMWire", ["CWGMProto"]),
        layer("WGMGatewayFile", ["WGMModel", "WGMWire", "CLibYAML"]),
        layer("WGMRPC", ["WGMWire"] + nio + tls),
        layer("WGMServer", ["WGMModel", "WGMVerify", "WGMWire", "WGMRPC", "WGMControl", logging] + nio),
        program(
            "wgmd",
            [
                "WGMModel", "WGMVerify", "WGMControl", "WGMKeeperProtocol", "WGMService", "WGMStore", "WGMResolver",
                "WGMRPC", "WGMServer", "WGMWire",
                argumentParser, logging, .product(name: "TOMLKit", package: "TOMLKit"),
            ] + nio
        ),
        program("wgmd-certificate", ["WGMModel", "CWGMSystem", argumentParser] + x509),
        program("wgmd-cluster", []),
        program(
            "wgmd-keeper",
            ["WGMModel", "WGMKeys", "WGMKernel", "WGMKeeper", "WGMKeeperProtocol", "WGMService", "CWGMSystem"]
        ),
        program(
            "wgmctl",
            [
                "WGMModel", "WGMConfigFile", "WGMGatewayFile", "WGMVerify", "WGMKeys", "WGMWire", "WGMRPC",
                "CWGMSystem",
                "CQREncode", argumentParser,
            ]
        ),
        // The service that two implementations of the protocol show each other; only tests use it.
        .target(name: "CWGMInterop", dependencies: ["CProtobufC"], path: "Tests/CWGMInterop"),
        .target(
            name: "WGMInterop",
            dependencies: ["CWGMInterop", "WGMWire", "WGMRPC"],
            path: "Tests/WGMInterop",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "wgm-interop",
            dependencies: ["WGMInterop", "WGMRPC"],
            path: "Tests/wgm-interop",
            swiftSettings: strict
        ),
        // The listing of the article in Sources/WGMRPC/WGMRPC.docc.
        .executableTarget(
            name: "wgm-talk",
            dependencies: ["WGMWire", "WGMRPC"],
            path: "Tests/talk",
            swiftSettings: strict
        ),
        fuzzTargets,
        tests("FuzzTests", ["FuzzTargets"]),
        tests("LayeringTests", []),
        tests("WGMModelTests", ["WGMModel"]),
        .testTarget(
            name: "WGMConfigFileTests",
            dependencies: ["WGMModel", "WGMConfigFile"],
            exclude: ["Corpus"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "WGMKeysTests",
            dependencies: ["WGMModel", "WGMKeys", "WGMVerify", "CSodium"],
            exclude: ["Vectors"],
            swiftSettings: strict
        ),
        tests("WGMKernelTests", ["WGMModel", "WGMKeys", "WGMKernel"]),
        tests(
            "WGMKeeperTests",
            ["WGMModel", "WGMKeys", "WGMVerify", "WGMKernel", "WGMKeeperProtocol", "WGMKeeper", "CWGMSystem"]
        ),
        tests("WGMServiceTests", ["WGMService"]),
        tests("WGMControlTests", ["WGMModel", "WGMVerify", "WGMControl", "CSodium"]),
        tests("WGMStoreTests", ["WGMModel", "WGMControl", "WGMStore"]),
        tests("WGMWireTests", ["WGMWire", "CWGMProto"]),
        tests("WGMRPCTests", ["WGMWire", "WGMRPC", "WGMInterop"] + nio),
        tests("WGMServerTests", [logging, "WGMModel", "WGMWire", "WGMRPC", "WGMControl", "WGMServer"]),
        tests("wgmdTests", ["wgmd", "WGMModel", "WGMRPC", "WGMControl", "WGMService", argumentParser, logging]),
        tests(
            "wgmctlTests",
            [
                "wgmctl", "WGMModel", "WGMKeys", "WGMWire", "WGMRPC", argumentParser,
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        tests("IntegrationTests", ["WGMWire"]),
    ] + fuzzDriver
)

// For scripts/sanitize: the protocol and its engine without the rest of the daemon, which would be built once for each
// sanitizer too.
if Context.environment["WGM_ENGINE"] != nil {
    let engine: Set = [
        "CProtobufC", "CWGMProto", "WGMWire", "WGMRPC", "CWGMInterop", "WGMInterop", "WGMWireTests", "WGMRPCTests",
    ]
    package.targets.removeAll { !engine.contains($0.name) }
    package.products.removeAll { $0.name != "WGMRPC" }
}
