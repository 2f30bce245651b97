// SPDX-License-Identifier: Apache-2.0
internal import WGMRPC
internal import WGMWire

/// Why a case of `Tests/interop/CASES.md` has failed.
public struct InteropFailure: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// The client of `Tests/interop/CASES.md`.
public struct InteropClient: Sendable {
    private static let patience: Duration = .seconds(20)
    let path: String

    public init(path: String) { self.path = path }

    public static var names: [String] { cases.map(\.name) }

    static let cases: [(name: String, run: @Sendable (Client) async throws -> Void)] = unaryCases + streamCases

    /// Runs a case on a connection of its own.
    public func run(_ name: String) async throws {
        guard let wanted = Self.cases.first(where: { $0.name == name }) else {
            throw InteropFailure("there is no case \(name)")
        }
        let client = try await Client.connect(unixPath: path, token: InteropHost.token, agent: "wgm-interop/1")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await wanted.run(client) }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw InteropFailure("not done within \(Self.patience)")
            }
            try await group.next()
            group.cancelAll()
        }
        await client.close()
    }

    static func expect<Value: Equatable>(_ what: String, _ found: Value, _ wanted: Value) throws {
        if found != wanted { throw InteropFailure("\(what) is \(found), not \(wanted)") }
    }

    static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    /// The status that a call ends with; ok when it does not fail.
    static func status(_ body: () async throws(Status) -> Void) async -> (code: StatusCode, message: String) {
        do throws(Status) {
            try await body()
            return (.ok, "")
        } catch {
            return (error.code, error.message)
        }
    }
}
