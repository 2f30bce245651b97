// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

/// A keeper whose folder was lost makes a new key-encryption key, which opens nothing that is in the database.
@Suite struct SealingKeyTests {
    @Test("a keeper with another key-encryption key is told apart, and seals nothing more beside it")
    func lost() async throws {
        let scene = try await Scene()
        try await scene.makeInterface()
        // The tests' kernel seals its first key with this one.
        scene.gateway.keys.use(sealingKeyID: 0x0101_0101)
        #expect(scene.gateway.health().isServing)

        scene.gateway.keys.use(sealingKeyID: 7)
        let keeper = try #require(scene.gateway.health().components.first { $0.name == "keeper" && !$0.isHealthy })
        #expect(keeper.message.hasPrefix("the key of interface wg0 was sealed with another key-encryption key"))
        #expect(keeper.message.contains("put the earlier one back"))
        do throws(Refusal) {
            var request = InterfaceRequest()
            request.name = "wg1"
            _ = try await scene.gateway.createInterface(request, scene.context())
            Issue.record("made")
        } catch {
            guard case .kernel(let failure, undoneBy: nil) = error else { throw error }
            #expect(failure.reason == .sealed && failure.message == keeper.message)
        }
        #expect(scene.gateway.view.interfaces.map(\.name) == [scene.wg0])

        scene.gateway.keys.use(sealingKeyID: 0x0101_0101)
        #expect(scene.gateway.health().isServing)
    }
}
