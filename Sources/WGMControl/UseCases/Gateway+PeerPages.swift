// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

extension Gateway {
    static let maxPageSize: UInt32 = 2000
    static let defaultPageSize: UInt32 = 1000

    /// Peers of one interface, or of all, in the order of interface and name.
    package func listPeers(
        interface: String?,
        pageSize: UInt32?,
        pageToken: String?,
        _ context: CallContext
    ) async throws(Refusal) -> PeerPage {
        let query = try PageQuery(interface, pageSize, pageToken)
        try requireLoaded()
        if let name = query.interface, view.interface(name) == nil { throw .store(.notFound(.interface(name))) }
        let page = await page(query)
        record(context)
        return page
    }

    private func page(_ query: PageQuery) async -> PeerPage {
        let names = query.interface.map { [$0] } ?? view.interfaces.map(\.name)
        var found: [PeerReport] = []
        for name in names where name >= query.after?.interface ?? name {
            await reconciler.refresh(name)
            let records = view.peers(of: name).filter { query.isWanted($0.name, of: name) }
            found += reports(records.prefix(query.size + 1 - found.count), of: name)
            if found.count > query.size { break }
        }
        let isMore = found.count > query.size
        let peers = Array(found.prefix(query.size))
        let next = isMore ? peers.last.map { PageToken(interface: $0.interface, peer: $0.record.name) } : nil
        return PeerPage(peers: peers, nextPageToken: next?.text, freshness: view.freshness)
    }
}

/// The last peer of a page: the next page begins behind it, whatever came or went meanwhile.
private struct PageToken {
    var interface: InterfaceName
    var peer: ObjectName

    var text: String { Base64.encode(Array("\(interface)/\(peer)".utf8), variant: .url) }
}

extension PageToken {
    init?(_ text: String) {
        guard text.utf8.count <= 128, let bytes = Base64.decode(text.utf8, variant: .url) else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let interface = InterfaceName(String(parts[0])),
            let peer = ObjectName(String(parts[1]))
        else { return nil }
        self.init(interface: interface, peer: peer)
    }
}

/// What page is wanted.
private struct PageQuery {
    var interface: InterfaceName?
    var size: Int
    var after: PageToken?

    init(_ interface: String?, _ pageSize: UInt32?, _ pageToken: String?) throws(Refusal) {
        var checker = Checker()
        if let interface, !interface.isEmpty { self.interface = checker.interfaceName(interface, "interface") }
        let limit = Gateway.maxPageSize
        size = Int(checker.number(pageSize, in: 1...limit, else: Gateway.defaultPageSize, "page_size"))
        if let pageToken, !pageToken.isEmpty {
            after = PageToken(pageToken)
            if after == nil { checker.refuse("page_token", "the next_page_token of the page before") }
        }
        try checker.finish()
    }

    func isWanted(_ peer: ObjectName, of interface: InterfaceName) -> Bool {
        guard let after else { return true }
        return (after.interface, after.peer) < (interface, peer)
    }
}
