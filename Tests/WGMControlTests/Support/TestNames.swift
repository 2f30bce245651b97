// SPDX-License-Identifier: Apache-2.0

import Synchronization
import WGMModel

@testable import WGMControl

/// A resolver that says what it was told.
final class TestNames: NameLookup {
    private let known = Mutex<[String: Result<NamedAddresses, LookupFailure>]>([:])
    private let asked = Mutex<[String]>([])

    func set(_ name: String, _ addresses: String..., lifetime: UInt32 = 60) {
        let found = NamedAddresses(addresses.compactMap { IPAddress($0) }, lifetime: lifetime)
        known.withLock { $0[name] = found.map { .success($0) } }
    }

    func fail(_ name: String, _ words: String) { known.withLock { $0[name] = .failure(LookupFailure(words)) } }

    /// The names that were asked for since the last time.
    func takeAsked() -> [String] {
        asked.withLock { asked in
            defer { asked = [] }
            return asked
        }
    }

    func addresses(of name: HostName) async throws(LookupFailure) -> NamedAddresses {
        asked.withLock { $0.append(name.value) }
        let result = known.withLock { $0[name.value] } ?? .failure(LookupFailure("no such name"))
        return try result.get()
    }
}
