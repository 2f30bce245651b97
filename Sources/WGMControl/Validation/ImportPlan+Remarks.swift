// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension ImportPlan {
    /// Says where a file and the link that runs differ.
    func remarks(on request: ImportRequest, port: UInt32?) -> [String] {
        guard let link, !request.isFromKernel else { return [] }
        var remarks: [String] = []
        if let port, port != link.listenPort {
            remarks.append("listen port: the file says \(port), \(link.listenPort) stays")
        }
        if let mtu = request.mtu, mtu != link.mtu { remarks.append("MTU: the file says \(mtu), \(link.mtu) stays") }
        if let mark = request.firewallMark, mark != link.firewallMark {
            remarks.append("firewall mark: the file says \(mark), \(link.firewallMark) stays")
        }
        let said = Set(request.addresses.compactMap { InterfaceAddress($0) })
        for address in said.subtracting(addresses).sorted() { remarks.append("address \(address): only in the file") }
        for address in Set(addresses).subtracting(said).sorted() {
            remarks.append("address \(address): not in the file, it stays")
        }
        let wanted = Dictionary(request.peers.map { ($0.publicKey ?? "", $0) }) { first, _ in first }
        for entry in peers {
            let key = entry.peer.publicKey
            guard let actual = link.peers[key] else {
                remarks.append("peer \(entry.peer.name): only in the file, so it is added")
                continue
            }
            guard let asked = wanted[key.description] else {
                remarks.append("peer \(entry.peer.name): not in the file, it stays")
                continue
            }
            let said = PrefixSet((asked.addresses + asked.allowedAddresses).compactMap { IPPrefix($0) })
            if said != actual.allowedAddresses {
                remarks.append("peer \(entry.peer.name): the file says other allowed addresses, the kernel's stay")
            }
            if (asked.presharedKey != nil) != (actual.presharedKey != nil) {
                remarks.append("peer \(entry.peer.name): the file says otherwise whether there is a preshared key")
            }
        }
        return remarks
    }
}
