// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// An interface that was there before wgm, with everything that it has.
package struct ImportedInterface: Hashable, Sendable {
    package var interface: NewInterface
    /// The gateway's own, all of them: none is given out by the store.
    package var addresses: [InterfaceAddress]
    /// Those without an address of their own get none.
    package var peers: [NewPeer]
    /// The link is there already, and stays.
    package var takesLink: Bool

    package init(interface: NewInterface, addresses: [InterfaceAddress], peers: [NewPeer], takesLink: Bool) {
        self.takesLink = takesLink
        self.interface = interface
        self.addresses = addresses
        self.peers = peers
    }
}

/// What an import would do, or has done.
package struct ImportReport: Sendable {
    package var interface: InterfaceRecord
    package var peers: [PeerRecord]
    /// True when the link is there already, and stays.
    package var takesLink: Bool
    /// What the kernel would be told besides.
    package var changes: [DriftItem]
    /// Where the request and the kernel differ; the kernel counts.
    package var remarks: [String]
    /// nil before it is done.
    package var revision: Int64?

    package var interfaceReport: InterfaceReport {
        InterfaceReport(record: interface, peerCount: peers.count, observation: nil)
    }

    /// The first by name.
    package func peerReports(limit: Int) -> [PeerReport] {
        peers.sorted { $0.name < $1.name }.prefix(limit).map {
            PeerReport(interface: interface.name, record: $0, actual: nil, observed: nil)
        }
    }
}
