// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite("Hints of the kernel")
struct HintTests {
    @Test("an interface that was changed is repaired without any timer, and wgm's own repair is no hint")
    func followed() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        try await scene.makePeers("alice")
        let follower = Task { await scene.gateway.followHints() }
        for _ in 0..<3 {
            scene.kernel.change(scene.wg0) { $0.mtu = 1300 }
            var changed = ChangedLinks()
            changed.insert(scene.wg0)
            scene.gateway.hints.add(changed)
            for _ in 0..<500 where scene.kernel.link(scene.wg0)?.mtu == 1300 {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(scene.kernel.link(scene.wg0)?.mtu != 1300)
        }
        follower.cancel()
    }

    @Test("a hint about an interface that wgm does not have does nothing")
    func stranger() async throws {
        let scene = try await Scene()
        _ = try await scene.login()
        try await scene.makeInterface()
        _ = scene.kernel.takeTold()
        var changed = ChangedLinks()
        changed.insert(try #require(InterfaceName("eth9")))
        await scene.gateway.reconciler.repair(changed)
        #expect(scene.kernel.takeTold().isEmpty)
    }

    @Test("ten looks are quick, and one a second after that, until there was a pause")
    func pace() {
        var pace = HintPace()
        let start = ContinuousClock.now
        let pauses = (0..<20).map { pace.pause(at: start + .milliseconds($0)) }
        #expect(pauses.prefix(10).allSatisfy { $0 == HintPace.together })
        #expect(pauses.dropFirst(10).allSatisfy { $0 == .seconds(1) })
        #expect(pace.pause(at: start + .seconds(60)) == HintPace.together)
    }
}
