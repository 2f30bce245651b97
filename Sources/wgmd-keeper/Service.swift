// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeeper
internal import WGMKeeperProtocol
internal import WGMKernel
internal import WGMKeys
internal import WGMModel

/// Serves one connection after the other, in one thread, one request at a time.
struct Service: ~Copyable {
    private let folder: StateFolder
    private var keeper: Keeper<LinuxKernel>

    init(folder: consuming StateFolder, keeper: consuming Keeper<LinuxKernel>) {
        self.folder = folder
        self.keeper = keeper
    }

    mutating func serve(_ channel: Channel) throws(StartError) {
        switch channel {
        case .inherited(let socket):
            serve(PacketSocket(owning: socket))
        case .listening(let listener, let peer):
            while true { serve(try Channel.accept(on: listener, from: peer)) }
        }
    }

    /// Returns when the connection has ended, for whatever reason; tunnels stay as they are.
    private mutating func serve(_ socket: consuming PacketSocket) {
        keeper.beginConnection()
        do {
            while true {
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
}
