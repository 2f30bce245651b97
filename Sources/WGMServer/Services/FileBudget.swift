// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import WGMWire

/// Bounds what gateway files take of memory while they are worked on, whoever sent them.
final class FileBudget: Sendable {
    /// Two of the largest files that a request can hold.
    static let mostFields = 2 << 20
    private let free: Mutex<Int>

    init(fields: Int = mostFields) { free = Mutex(fields) }

    /// Does the work while the file's fields are counted; refuses when there is no room for them now.
    func holding<Value>(
        _ objects: [V1.FileObject],
        _ work: () async throws(Status) -> Value
    ) async throws(Status) -> Value {
        let count = Self.fieldCount(objects)
        guard take(count) else {
            throw Status(
                .resourceExhausted,
                "other large gateway files are being worked on; nothing was done, try again in a moment",
                reason: "TOO_MANY_FILES",
                retryAfterMilliseconds: 2000
            )
        }
        defer { free.withLock { $0 += count } }
        return try await work()
    }

    private func take(_ count: Int) -> Bool {
        free.withLock { free in
            guard count <= free else { return false }
            free -= count
            return true
        }
    }

    private static func fieldCount(_ objects: [V1.FileObject]) -> Int {
        objects.reduce(0) { count, object in
            object.attributes.reduce(count + 3) { $0 + 2 + $1.values.count }
        }
    }
}
