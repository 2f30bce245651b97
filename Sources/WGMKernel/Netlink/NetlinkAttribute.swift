// SPDX-License-Identifier: Apache-2.0

internal import CMnl

/// A constant of a kernel header that names a netlink attribute.
protocol NetlinkAttribute {
    var type: UInt16 { get }
}

/// The anonymous enumerations of the headers (`IFLA_…`, `IFA_…`, `CTRL_ATTR_…`), and the elements of arrays.
extension Int: NetlinkAttribute {
    var type: UInt16 { UInt16(truncatingIfNeeded: self) }
}

extension rtattr_type_t: NetlinkAttribute {
    var type: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}

extension nlmsgerr_attrs: NetlinkAttribute {
    var type: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}

extension wgdevice_attribute: NetlinkAttribute {
    var type: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}

extension wgpeer_attribute: NetlinkAttribute {
    var type: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}

extension wgallowedip_attribute: NetlinkAttribute {
    var type: UInt16 { UInt16(truncatingIfNeeded: rawValue) }
}

/// Fixed numbers of the netlink side.
package enum NetlinkLimit {
    /// The protocol number of the routes that wgm makes, in the main table; no other route is read as ours or deleted.
    package static let routeProtocol: UInt8 = 183
    /// The metric of the routes that wgm makes: a route of the same prefix that somebody else made wins.
    package static let routeMetric: UInt32 = 1024
    /// Bytes of one request.
    ///
    /// A nest's length has 16 bits, so that this must stay below 64 KiB.
    package static let requestCapacity = 32 * 1024
    /// Bytes of one datagram of an answer; the kernel makes none above 32 KiB.
    package static let answerCapacity = 128 * 1024
    /// How often a dump is begun again because what it shows changed meanwhile.
    package static let dumpRetries = 3
    /// Seconds until a request without answer fails.
    package static let timeout: Int32 = 10
}
