// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import WGMKeeper
internal import WGMKeeperProtocol
internal import WGMKeys
internal import WGMModel

/// Packets to the keeper from a hostile wgmd; keys and journal are real, the kernel only counts.
///
/// Nothing but hello is answered before hello, every answer can be read, and the kernel is asked nothing before.
final class KeeperConversation: FuzzTarget {
    static let name = "keeper"
    static let shape = InputShape.packets

    private let asked = Asked()
    private let folder: String
    private var keeper: Keeper<CountingKernel>

    init() throws {
        folder = NSTemporaryDirectory() + "wgm-fuzz-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        // What the disk has got is not looked at here; waiting for it would be most of the time.
        let disk = Disk(append: Disk.real.append) { _ in 0 }
        keeper = Keeper(
            version: "fuzz",
            kernel: CountingKernel(asked: asked),
            keys: try KeyFolder(folder).open(given: nil),
            journal: try Journal.open(in: folder, disk: disk)
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func run(_ input: [UInt8]) throws {
        keeper.beginConnection()
        var greeted = false
        for packet in Packets(input)?.packets ?? [] {
            let before = asked.count
            let answer = keeper.answer(packet, at: Timestamp(seconds: 1_800_000_000))
            try require(greeted || asked.count == before, "the kernel was asked before hello")
            guard case .replies(let replies) = answer else { return }
            let request = try Request(decoding: packet)
            try require(greeted || request.kind == .hello, "\(request.kind) was answered before hello")
            try require(!greeted || request.kind != .hello, "a second hello was answered")
            try require(!replies.isEmpty, "an answer without a packet")
            for reply in replies {
                let reply = try Reply(decoding: reply)
                try require(reply.number == request.number && reply.kind == request.kind, "the answer to another")
            }
            greeted = true
        }
    }
}

/// How often the kernel was asked.
private final class Asked {
    var count = 0
}

private struct CountingKernel: ~Copyable, KeeperKernel {
    let asked: Asked

    mutating func apply(
        _ change: KernelChange,
        to name: InterfaceName,
        owner: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        asked.count += 1
        if case .deleteLink = change { throw KernelFailure(.noSuchInterface, "there is none") }
    }

    mutating func dump(_ name: InterfaceName, marking: KeyMarker?) throws(KernelFailure) -> ActualInterface? {
        asked.count += 1
        return ActualInterface(name: name, owner: InterfaceID(7), backend: .kernel)
    }

    mutating func secrets(
        of name: InterfaceName,
        for interface: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) -> [SealedSecret] {
        asked.count += 1
        throw KernelFailure(.noSuchInterface, "there is none")
    }

    var eventDescriptor: Int32? { nil }

    mutating func takeEvents() -> ChangedLinks { ChangedLinks() }

    mutating func ownedInterfaces() throws(KernelFailure) -> [InterfaceName: InterfaceID] {
        asked.count += 1
        return [:]
    }
}
