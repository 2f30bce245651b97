// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The last revisions, read once for all watchers; whoever is further behind reads the history itself.
final class RecentChanges: Sendable {
    private struct Content {
        /// Everything after `from`, up to `to`.
        var changes: [RevisionChange] = []
        var from: Int64 = 0
        var to: Int64 = -1
        var timeline: UInt64 = 0

        mutating func begin(at revision: Int64, _ timeline: UInt64) {
            self = Content(changes: [], from: revision, to: revision, timeline: timeline)
        }

        mutating func append(_ page: ChangePage) {
            changes += page.changes
            to = page.completeTo
            var objects = changes.reduce(0) { $0 + $1.objects.count }
            while let first = changes.first,
                objects > ChangePage.mostObjects || changes.count > ChangePage.mostRevisions
            {
                objects -= first.objects.count
                from = first.record.number
                changes.removeFirst()
            }
        }
    }
    private let store: any Store
    private let view: GatewayView
    private let content = Mutex(Content())
    private let lane = KeyedLock<Bool>()

    init(store: any Store, view: GatewayView) {
        self.store = store
        self.view = view
    }

    /// What came after a revision, or the first part of it.
    func changes(after revision: Int64) async throws(StoreFailure) -> ChangePage {
        if let page = known(after: revision) { return page }
        return try await lane.withLock(true) { () async throws(StoreFailure) in
            if let page = known(after: revision) { return page }
            let timeline = view.timeline
            let isNewest = content.withLock { content in
                if content.timeline != timeline || revision > content.to { content.begin(at: revision, timeline) }
                return revision == content.to
            }
            let page = try await store.changes(after: revision)
            if isNewest, timeline == view.timeline { content.withLock { $0.append(page) } }
            return page
        }
    }

    private func known(after revision: Int64) -> ChangePage? {
        content.withLock { content in
            guard content.timeline == view.timeline, content.from <= revision, revision < content.to else { return nil }
            let changes = content.changes.filter { $0.record.number > revision }
            return ChangePage(changes: changes, completeTo: content.to)
        }
    }
}
