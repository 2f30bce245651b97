// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import WGMService

@Suite("A process under systemd")
struct SupervisorTests {
    @Test("says what it does over the notification socket")
    func notifications() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "wgm-notify-\(UUID().uuidString.prefix(8))")
            .path
        let socket = try boundDatagramSocket(path)
        defer {
            close(socket)
            unsafe unlink(path)
        }
        let supervisor = Supervisor(path: path, alivePeriod: nil)
        supervisor.ready("serving\ngw1")
        supervisor.alive()
        supervisor.status("degraded: database")
        supervisor.reloading()
        supervisor.stopping()
        #expect(receive(socket) == "READY=1\nSTATUS=servinggw1")
        #expect(receive(socket) == "WATCHDOG=1")
        #expect(receive(socket) == "STATUS=degraded: database")
        #expect(receive(socket).hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        #expect(receive(socket).hasPrefix("STOPPING=1\n"))
    }

    @Test("does nothing without systemd")
    func alone() { Supervisor(path: "", alivePeriod: nil).ready("serving") }

    @Test("reports twice as often as the watchdog asks")
    func watchdog() {
        #expect(Supervisor.alivePeriod(microseconds: "30000000", process: nil, own: 7) == .seconds(15))
        #expect(Supervisor.alivePeriod(microseconds: "30000000", process: "7", own: 7) == .seconds(15))
        #expect(Supervisor.alivePeriod(microseconds: "30000000", process: "8", own: 7) == nil)
        for word in [nil, "", "x", "0", "-5", "99999999999999999999"] {
            #expect(Supervisor.alivePeriod(microseconds: word, process: nil, own: 7) == nil)
        }
    }

    @Test("knows a port of the network from a Unix socket, whatever they are called")
    func portsOfTheNetwork() {
        let kinds = [
            (AF_INET, SOCK_STREAM, true), (AF_INET6, SOCK_STREAM, true), (AF_INET6, SOCK_DGRAM, false),
            (AF_UNIX, SOCK_STREAM, false), (AF_UNIX, SOCK_SEQPACKET, false),
        ]
        for (domain, type, isOfNetwork) in kinds {
            let descriptor = socket(domain, Int32(type.rawValue), 0)
            #expect(InheritedSocket(descriptor: descriptor, name: "wgmd.socket").isOfNetwork == isOfNetwork)
            close(descriptor)
        }
        #expect(!InheritedSocket(descriptor: -1, name: "tls").isOfNetwork)
    }

    @Test("takes the sockets that are meant for it, with their names")
    func sockets() {
        let two = InheritedSocket.listed(process: "7", count: "2", names: "wgmd.socket:", own: 7)
        #expect(two.map(\.descriptor) == [3, 4])
        #expect(two.map(\.name) == ["wgmd.socket", "unknown"])
        #expect(InheritedSocket.listed(process: "8", count: "2", names: nil, own: 7).isEmpty)
        for count in [nil, "", "0", "-1", "33", "x"] {
            #expect(InheritedSocket.listed(process: "7", count: count, names: nil, own: 7).isEmpty)
        }
    }

    private func boundDatagramSocket(_ path: String) throws -> Int32 {
        let socket = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        return socket
    }

    private func receive(_ socket: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 500)
        let count = unsafe recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
