// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// A page of a gateway file.
package struct FilePage: Sendable {
    package var objects: [FileObject]
    /// nil on the last page.
    package var nextPageToken: String?
    /// Pages of different revisions do not belong together.
    package var revision: Int64
}

extension Gateway {
    private static let exportPageSize = 1000

    /// Interfaces and their peers as a file says them, in the order of their names, without any secret.
    ///
    /// Besides what the permission table asks for, it needs `get` on the interfaces.
    package func exportFile(
        interface: String?,
        pageToken: String?,
        _ context: CallContext
    ) throws(Refusal) -> FilePage {
        try requireLoaded()
        let state = view.state
        let wanted = interface.flatMap { $0.isEmpty ? nil : $0 }
        if let rights = context.credential?.rights, let all = ResourcePattern("node/\(node)/interface/\(wanted ?? "*")")
        {
            try rights.require(.get, on: all)
        }
        var names = state.interfaces.keys.sorted()
        if let wanted {
            let name = try interfaceName(wanted, "interface")
            guard state.interfaces[name] != nil else { throw .store(.notFound(.interface(name))) }
            names = [name]
        }
        let after = try pageToken.flatMap { $0.isEmpty ? nil : $0 }.map { (text) throws(Refusal) in
            try position(text)
        }
        var objects: [FileObject] = []
        for name in names where after == nil || name.value >= after?.interface ?? "" {
            guard let record = state.interfaces[name] else { continue }
            if name.value != after?.interface { objects.append(FileObject(record)) }
            let start = name.value == after?.interface ? after?.peer : nil
            let peers = (state.peers[record.id] ?? [:]).values.filter { $0.name.value > start ?? "" }
            objects += peers.sorted { $0.name < $1.name }.prefix(Self.exportPageSize + 1).map {
                FileObject($0, of: name)
            }
            if objects.count > Self.exportPageSize { break }
        }
        let isMore = objects.count > Self.exportPageSize
        objects = Array(objects.prefix(Self.exportPageSize))
        let last = isMore ? objects.last : nil
        let token = last.map { Base64.encode(Array("\($0.interface)/\($0.peer ?? "")".utf8), variant: .url) }
        record(context)
        return FilePage(objects: objects, nextPageToken: token, revision: view.revision)
    }

    private func position(_ token: String) throws(Refusal) -> (interface: String, peer: String) {
        let bytes = token.utf8.count <= 128 ? Base64.decode(token.utf8, variant: .url) : nil
        let text = bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, InterfaceName(parts[0]) != nil else {
            throw .invalid([.init(field: "page_token", rule: "the next_page_token of the page before")])
        }
        return (parts[0], parts[1])
    }
}

extension FileObject {
    init(_ record: InterfaceRecord) {
        let draft = CheckedInterface(record)
        self.init(
            interface: record.name.value,
            attributes: FileField.interface.compactMap { $0.written(draft) },
            listsPeers: true
        )
    }

    init(_ record: PeerRecord, of interface: InterfaceName) {
        let draft = PeerDraft(record)
        self.init(
            interface: interface.value,
            peer: record.name.value,
            attributes: FileField.peer.compactMap { $0.written(draft) }
        )
    }
}

extension FileField {
    /// Also what there is not: an export that is applied later puts everything back.
    ///
    /// Of a secret it says nothing, so that it is kept.
    fileprivate func written(_ draft: Draft) -> FileAttribute? {
        let values = read(draft)
        guard !isSecret || values == nil else { return nil }
        return FileAttribute(name, values == nil ? .null : form, values ?? [])
    }
}
