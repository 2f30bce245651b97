// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMModel

/// Asks whether another program holds a UDP port.
///
/// Userspace WireGuard opens its port when its link goes up, and tells nobody when it could not.
enum PortProbe {
    static func requireFree(_ port: UInt16, _ name: String) throws(KernelFailure) {
        guard isTaken(Endpoint(IPAddress(v6: 0), port: port)) || isTaken(Endpoint(IPAddress(v4: 0), port: port)) else {
            return
        }
        throw KernelFailure(errno: EADDRINUSE, purpose: "setting \(name) up on UDP port \(port)")
    }

    private static func isTaken(_ local: Endpoint) -> Bool {
        let family = local.address.family == .v6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { _ = close(descriptor) }
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if family == AF_INET6 { _ = unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size) }
        let address = local.socketAddress
        let result = unsafe address.withUnsafeBytes { bytes in
            unsafe bind(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        return result != 0 && errno == EADDRINUSE
    }
}
