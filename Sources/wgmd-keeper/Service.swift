// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeeper
internal import WGMKeeperProtocol
internal import WGMKernel
internal import WGMKeys
internal import WGMModel
internal import WGMService

/// Serves one connection after the other, in one thread, one request at a time.
struct Service: ~Copyable {
    private let folder: StateFolder
    private var keeper: Keeper<LinuxKernel>
    private let supervisor: Supervisor

    init(folder: consuming StateFolder, keeper: consuming Keeper<LinuxKernel>, supervisor: Supervisor) {
        self.folder = folder
        self.keeper = keeper
        self.supervisor = supervisor
    }

    mutating func serve(_ channel: Channel) throws(StartError) {
        switch channel {
        case .inherited(let socket):
            serve(PacketSocket(owning: socket))
        case .listening(let listener, let peer):
            while true {
                Patience.wait(for: listener, supervisor)
                if let socket = try Channel.accept(on: listener, from: peer) { serve(socket) }
            }
        }
    }

    /// Returns when the connection has ended, for whatever reason; tunnels stay as they are.
    private mutating func serve(_ socket: consuming PacketSocket) {
        keeper.beginConnection()
        do {
            while true {
                if let notice = keeper.notice() { try socket.send(notice) }
                guard isAsked(socket) else { continue }
                switch keeper.answer(try socket.receive(), at: .now) {
                case .replies(let replies):
                    for reply in replies { try socket.send(reply) }
                case .close(let offence):
                    return complain("closed the connection: \(offence)")
                }
            }
        } catch .closed {
            return
        } catch {
            complain("the connection failed: \(error)")
        }
    }

    /// Waits for a request, or an event of the kernel, or the end; false for an event.
    private func isAsked(_ socket: borrowing PacketSocket) -> Bool {
        var isAsked = false
        socket.withDescriptor { isAsked = Patience.wait(for: $0, or: keeper.eventDescriptor, supervisor) }
        return isAsked
    }
}
