// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Memory for incomplete messages, of all connections of a server, or of one caller, together.
public final class AssemblyRoom: Sendable {
    private let free: Atomic<Int>
    private let whole: AssemblyRoom?

    /// `size` in bytes; what is taken of a part is taken of `whole` as well.
    public init(size: Int, of whole: AssemblyRoom? = nil) {
        free = Atomic(size)
        self.whole = whole
    }

    /// Bytes that nobody has.
    public var freeBytes: Int { free.load(ordering: .relaxed) }

    fileprivate func take(_ count: Int) -> Bool {
        let isFree = free.subtract(count, ordering: .relaxed).newValue >= 0
        if isFree, whole?.take(count) ?? true { return true }
        free.add(count, ordering: .relaxed)
        return false
    }

    fileprivate func give(_ count: Int) {
        free.add(count, ordering: .relaxed)
        whole?.give(count)
    }
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
