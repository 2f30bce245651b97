// SPDX-License-Identifier: Apache-2.0

import CMnl
import Testing
import WGMModel

@testable import WGMKernel

@Suite("Netlink requests")
struct NetlinkMessageTests {
    @Test("a request has the bytes that the kernel's headers say")
    func golden() throws {
        var message = NetlinkMessage(0x1c, [.acknowledge], genlmsghdr(cmd: 1, version: 1, reserved: 0), capacity: 256)
        message.stamp(sequence: 0x0102_0304)
        try message.put(WGDEVICE_A_LISTEN_PORT, UInt16(51820))
        try message.nest(WGDEVICE_A_PEERS) { message throws(MessageFull) in
            try message.nest(0) { message throws(MessageFull) in
                try message.put(WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME.rawValue)
            }
        }
        let expected: [UInt8] = [
            44, 0, 0, 0, 0x1c, 0, 5, 0, 4, 3, 2, 1, 0, 0, 0, 0,  // length, type, REQUEST | ACK, sequence, port
            1, 1, 0, 0,  // command, version
            6, 0, 6, 0, 0x6c, 0xca, 0, 0,  // port 51820, padded
            16, 0, 8, 0x80, 12, 0, 0, 0x80, 8, 0, 3, 0, 1, 0, 0, 0,
        ]
        #expect(unsafe Array(message.bytes) == expected)
    }

    @Test("a nest that does not fit leaves the message as it was")
    func cancelledNest() throws {
        var message = NetlinkMessage(0x10, [], genlmsghdr(), capacity: 72)
        try message.put(1, UInt32(1))
        let before = unsafe Array(message.bytes)
        #expect(throws: MessageFull.self) {
            try message.nest(2) { message throws(MessageFull) in
                try message.put(3, UInt32(1))
                try message.put(4, [UInt8](repeating: 0xff, count: 64))
            }
        }
        #expect(unsafe Array(message.bytes) == before)
        try message.put(5, UInt32(2))
    }

    @Test("an attribute that fills the message to its last byte fits, one byte more does not", arguments: [44, 45])
    func exactFit(_ length: Int) {
        var message = NetlinkMessage(0x10, [], genlmsghdr(), capacity: 68)
        var fits = true
        do { try message.put(1, [UInt8](repeating: 1, count: length)) } catch { fits = false }
        #expect(fits == (length == 44))
    }

    @Test("the mark of an owner is read back, and no other text is one")
    func marks() {
        #expect(OwnerMark.owner(OwnerMark.alias(InterfaceID(.max))) == InterfaceID(.max))
        for alias in ["", "wgm:", "wgm:+1", "wgm:01", "wgm:1 ", "WGM:1", "wgm:-1", "wgm:18446744073709551616"] {
            #expect(OwnerMark.owner(alias) == nil)
        }
    }
}
