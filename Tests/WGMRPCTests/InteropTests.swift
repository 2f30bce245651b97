// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import WGMInterop
import WGMRPC

@Suite("Interop: Swift with Swift")
struct InteropTests {
    @Test("A case of Tests/interop/CASES.md holds", arguments: InteropClient.names)
    func holds(name: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "wgm-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = Server(host: InteropHost(), agent: "wgm-interop/1")
        try await server.listen(unixPath: folder + "/wgm.sock")
        let result = await Result { try await InteropClient(path: folder + "/wgm.sock").run(name) }
        await server.shutdown()
        try result.get()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
