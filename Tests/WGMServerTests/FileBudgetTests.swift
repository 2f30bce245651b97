// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMWire

@testable import WGMServer

@Suite("The room for gateway files")
struct FileBudgetTests {
    private let file = [V1.FileObject(interface: "wg0", attributes: [V1.FileAttribute(name: "mtu", values: ["1420"])])]

    @Test("is refused to the second of two files that would not fit together, and free again after the first")
    func oneAtATime() async throws {
        let budget = FileBudget(fields: 11)
        let file = file
        let inner = try await budget.holding(file) { () async throws(Status) -> Status? in
            do throws(Status) {
                try await budget.holding(file) { () async throws(Status) in }
                return nil
            } catch { return error }
        }
        #expect(inner?.code == .resourceExhausted)
        #expect(inner?.message.contains("try again") == true)
        try await budget.holding(file) { () async throws(Status) in }
    }

    @Test("is given back by work that fails")
    func failing() async throws {
        let budget = FileBudget(fields: 6)
        for _ in 0..<3 {
            let failure = await #expect(throws: Status.self) {
                try await budget.holding(file) { () async throws(Status) in throw Status(.internal, "tried") }
            }
            #expect(failure?.message == "tried")
        }
    }
}
