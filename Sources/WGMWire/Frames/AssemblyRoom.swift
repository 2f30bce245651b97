// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Memory for incomplete messages, of all connections of a server together.
public final class AssemblyRoom: Sendable {
    private let free: Atomic<Int>

    /// `size` in bytes.
    public init(size: Int) { free = Atomic(size) }

    /// Bytes that nobody has.
    public var freeBytes: Int { free.load(ordering: .relaxed) }

    fileprivate func take(_ count: Int) -> Bool {
        guard free.subtract(count, ordering: .relaxed).newValue < 0 else { return true }
        free.add(count, ordering: .relaxed)
        return false
    }

    fileprivate func give(_ count: Int) { free.add(count, ordering: .relaxed) }
}

/// What one connection has of it, given back at its end at the latest.
final class AssemblyShare {
    private let room: AssemblyRoom?
    private let limit: Int
    private var taken = 0

    init(of room: AssemblyRoom?, limit: Int) {
        self.room = room
        self.limit = limit
    }

    /// False when neither the connection nor the server has so much left.
    func take(_ count: Int) -> Bool {
        guard taken + count <= limit, room?.take(count) ?? true else { return false }
        taken += count
        return true
    }

    func give(_ count: Int) {
        taken -= count
        room?.give(count)
    }

    deinit { room?.give(taken) }
}
