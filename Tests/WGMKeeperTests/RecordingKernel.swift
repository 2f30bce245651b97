// SPDX-License-Identifier: Apache-2.0

import Foundation
import WGMKeeper
import WGMKeeperProtocol
import WGMKeys
import WGMModel

/// What was asked of a recording kernel, and what it is to answer.
final class Recording {
    var changes: [KernelChange] = []
    var failure: KernelFailure?
    var actual: ActualInterface?
    var secrets: [SealedSecret] = []
    var owners: [InterfaceName: InterfaceID] = [:]
    var onApply: () -> Void = {}
    var events = ChangedLinks()
}

/// A kernel that notes what it is asked; sealed keys are opened, as the real one does.
struct RecordingKernel: ~Copyable, KeeperKernel {
    let recording: Recording

    mutating func apply(
        _ change: KernelChange,
        to name: InterfaceName,
        owner: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        recording.changes.append(change)
        recording.onApply()
        if let failure = recording.failure { throw failure }
        guard case .setDevice(.some(let sealed), _, _) = change else { return }
        do {
            _ = try keys.openPrivateKey(sealed, of: owner)
        } catch {
            throw KernelFailure(.sealed, "\(error)")
        }
    }

    mutating func dump(_ name: InterfaceName, marking: KeyMarker?) throws(KernelFailure) -> ActualInterface? {
        if let failure = recording.failure { throw failure }
        return recording.actual
    }

    mutating func secrets(
        of name: InterfaceName,
        for interface: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) -> [SealedSecret] {
        if let failure = recording.failure { throw failure }
        return recording.secrets
    }

    var eventDescriptor: Int32? { nil }

    mutating func takeEvents() -> ChangedLinks {
        defer { recording.events = ChangedLinks() }
        return recording.events
    }

    mutating func ownedInterfaces() throws(KernelFailure) -> [InterfaceName: InterfaceID] { recording.owners }
}

/// A folder of its own for each test, removed at its end.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "wgm-keeper-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path + "/" + name)))
    }
}

/// A keeper over a recording kernel, with real keys and a real journal.
struct Bench: ~Copyable {
    let recording = Recording()
    var keeper: Keeper<RecordingKernel>

    init(_ folder: TemporaryFolder, disk: Disk = .real, fileSize: Int = Journal.fileSize, sealed: Bool = false) throws {
        let keys = KeyFolder(folder.path)
        keeper = Keeper(
            version: "test",
            kernel: RecordingKernel(recording: recording),
            keys: sealed ? try keys.sealed() : try keys.open(given: nil),
            journal: try Journal.open(in: folder.path, disk: disk, fileSize: fileSize)
        )
    }

    /// What time it always is here.
    static let now = Timestamp(seconds: 1)

    mutating func answer(_ body: Request.Body) -> Keeper<RecordingKernel>.Answer {
        keeper.answer(Request(number: 1, body).encoded(), at: Self.now)
    }

    /// The one reply; nil when the connection ends.
    mutating func reply(_ body: Request.Body) throws -> Reply? {
        guard case .replies(let packets) = answer(body) else { return nil }
        return try packets.first.map { try Reply(decoding: $0) }
    }

    mutating func hello() throws -> KeeperIdentity {
        let reply = try reply(.hello(version: Request.protocolVersion))
        return try KeeperIdentity(decoding: reply?.payload ?? [])
    }

    mutating func change(_ change: KernelChange) throws -> Reply? {
        try reply(.change(change, interface: Sample.interface(), owner: Sample.owner))
    }
}
