// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("Layers")
struct LayeringTests {
    @Test("Every target with Swift code has a row in the table, and every row a target")
    func tableIsComplete() throws {
        #expect(try Set(SourceTree.files().map(\.target)) == Set(layers.keys))
    }

    @Test("Every file imports only what its layer may", arguments: layers.keys.sorted())
    func importsAreAllowed(target: String) throws {
        let layer = try #require(layers[target])
        let files = try SourceTree.files().filter { $0.target == target }
        #expect(!files.isEmpty)
        for file in files {
            #expect(file.imports.filter { !layer.allows($0) } == [], "\(file.path)")
        }
    }

    @Test("A module with a home is imported there only", arguments: homes.keys.sorted())
    func homesAreKept(module: String) throws {
        let home = try #require(homes[module])
        let strangers = try SourceTree.files().filter { $0.imports.contains(module) && !home.contains($0.target) }
        #expect(strangers.map(\.path) == [])
    }

    @Test("Nothing is public outside the modules that other programs may use")
    func publicIsRare() throws {
        for file in try SourceTree.files() where !publicTargets.contains(file.target) {
            #expect(file.publicLines == [], "\(file.path)")
        }
    }

    @Test("The layers have no cycle")
    func layersHaveNoCycle() {
        var known: Set<String> = ["CWGMProto", "CWGMSystem"]
        var rest = layers
        while let next = rest.first(where: { $0.value.ours.isSubset(of: known) }) {
            known.insert(next.key)
            rest[next.key] = nil
        }
        #expect(rest.keys.sorted() == [])
    }

    @Test("The privileged program holds no database client, TLS, protobuf, event loop or Foundation")
    func keeperIsSmall() throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let keeper = URL(filePath: own).deletingLastPathComponent().appending(path: "wgmd-keeper")
        let image = try Data(contentsOf: keeper)
        let forbidden = [
            "libpq.so", "libssl.so", "libcrypto.so", "libprotobuf-c.so", "libFoundation", "$s7NIOCore", "$s8NIOPosix",
        ]
        #expect(image.range(of: Data("libsodium.so".utf8)) != nil, "the image that was looked into is not the keeper's")
        #expect(forbidden.filter { image.range(of: Data($0.utf8)) != nil } == [])
    }

    @Test("Imports are found behind attributes, access levels and kinds, and nowhere else")
    func importsAreParsed() {
        let text = """
            internal import WGMModel
            @preconcurrency package import struct Glibc.stat
            import Foundation.NSURL
            // import Nothing
            let import_ = 1
            """
        let file = SourceFile(target: "x", path: "x", lines: text.split(separator: "\n"))
        #expect(file.imports == ["WGMModel", "Glibc", "Foundation"])
    }
}
