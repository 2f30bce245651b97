// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMKeys
internal import WGMModel

/// Generic netlink, family `wireguard`: one WireGuard device of the kernel.
struct GenericSocket: ~Copyable {
    private var socket: NetlinkSocket

    init() throws(KernelFailure) { socket = try NetlinkSocket(bus: NETLINK_GENERIC) }

    mutating func set(
        _ device: DeviceChange,
        on link: OwnedLink,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        let purpose = "configuring \(link.name)"
        var message = try setDevice(link)
        if let sealed = device.privateKey {
            let key = try keys.privateKey(sealed, of: link)
            try message.write(purpose) { message throws(MessageFull) in
                unsafe try key.withUnsafeBytes { (bytes) throws(MessageFull) in
                    unsafe try message.put(WGDEVICE_A_PRIVATE_KEY, bytes: bytes)
                }
            }
        }
        try message.write(purpose) { message throws(MessageFull) in
            if let port = device.listenPort { try message.put(WGDEVICE_A_LISTEN_PORT, port) }
            if let mark = device.firewallMark { try message.put(WGDEVICE_A_FWMARK, mark) }
        }
        try socket.request(&message, purpose)
    }

    /// In as many messages as it takes.
    mutating func set(
        _ peers: [PeerRequest],
        on link: OwnedLink,
        keys: borrowing SealingKey
    ) throws(KernelFailure) {
        var batch = PeerBatch(peers, of: link)
        while !batch.isDone {
            var message = try setDevice(link)
            try batch.write(to: &message, keys: keys)
            try socket.request(&message, "changing peers of \(link.name)")
        }
    }

    mutating func device(_ link: Link, _ marking: KeyMarker?) throws(KernelFailure) -> DeviceDump {
        try dump(link, into: DeviceDump()) { (dump: inout DeviceDump, payload) throws(KernelFailure) in
            try dump.read(payload, marking: marking)
        }
    }

    /// Lends each message about the device to `body`.
    mutating func dump<Result>(
        _ link: Link,
        into start: Result,
        _ body: (inout Result, RawSpan) throws(KernelFailure) -> Void
    ) throws(KernelFailure) -> Result {
        let purpose = "reading the peers of \(link.name)"
        let fixed = genlmsghdr(cmd: UInt8(WG_CMD_GET_DEVICE.rawValue), version: UInt8(WG_GENL_VERSION), reserved: 0)
        var message = NetlinkMessage(try family(), .dump, fixed, capacity: RouteSocket.smallRequest)
        try message.write(purpose) { message throws(MessageFull) in
            try message.put(WGDEVICE_A_IFINDEX, UInt32(bitPattern: link.index))
        }
        return try socket.dump(&message, purpose, into: start) {
            (result: inout Result, _, payload) throws(KernelFailure) in
            try body(&result, payload)
        }
    }

    private mutating func setDevice(_ link: OwnedLink) throws(KernelFailure) -> NetlinkMessage {
        let fixed = genlmsghdr(cmd: UInt8(WG_CMD_SET_DEVICE.rawValue), version: UInt8(WG_GENL_VERSION), reserved: 0)
        var message = NetlinkMessage(try family(), .acknowledge, fixed)
        try message.write("configuring \(link.name)") { message throws(MessageFull) in
            try message.put(WGDEVICE_A_IFINDEX, UInt32(bitPattern: link.link.index))
        }
        return message
    }

    mutating func hasFamily() throws(KernelFailure) -> Bool { try findFamily() != nil }

    /// The number of the family, asked for each time: it changes when the module is loaded anew.
    private mutating func family() throws(KernelFailure) -> UInt16 {
        guard let family = try findFamily() else {
            throw KernelFailure(.noWireGuard, errno: ENOENT, "\(Self.search): there is none")
        }
        return family
    }

    private static let search = "looking for WireGuard in the kernel"

    private mutating func findFamily() throws(KernelFailure) -> UInt16? {
        let purpose = Self.search
        let fixed = genlmsghdr(cmd: UInt8(CTRL_CMD_GETFAMILY), version: 1, reserved: 0)
        var message = NetlinkMessage(GENL_ID_CTRL, .acknowledge, fixed, capacity: RouteSocket.smallRequest)
        try message.write(purpose) { message throws(MessageFull) in
            try message.put(CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME)
        }
        var family: UInt16?
        _ = try KernelFailure.unless(ENOENT) { () throws(KernelFailure) in
            try socket.request(&message, purpose) { (_, payload) throws(KernelFailure) in
                try payload.forEachAttribute(from: MemoryLayout<genlmsghdr>.size) {
                    (type, value) throws(KernelFailure) in
                    if type == CTRL_ATTR_FAMILY_ID.type { family = try value.value(UInt16.self) }
                }
            }
        }
        return family
    }
}
