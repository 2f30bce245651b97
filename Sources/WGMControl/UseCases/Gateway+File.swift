// SPDX-License-Identifier: Apache-2.0

internal import WGMModel
internal import WGMVerify

/// What a gateway file would do.
package struct FilePreview: Sendable {
    package var problems: [FileProblem]
    package var differences: [ObjectDifference]
    package var counts: FileCounts
    /// The revision that the file was held against.
    package var revision: Int64
    package var digest: [UInt8]
}

/// What a gateway file did.
package struct FileApplied: Sendable {
    package var counts: FileCounts
}

extension Gateway {
    /// Says what applying the file would change, for a caller who may see each object that it names.
    package func planFile(_ request: FileRequest, _ context: CallContext) throws(Refusal) -> FilePreview {
        try requireLoaded()
        let rights = try rights(context)
        // Before anything is worked out for the caller.
        try require(.get, on: Set(request.objects.map { path($0.interface, $0.peer) }), rights)
        let plan = FilePlan(request, state: view.state, readable: readable(rights))
        try require(.get, on: Set(plan.differences.map { path($0.interface, $0.peer) }), rights)
        record(context)
        return FilePreview(
            problems: plan.problems,
            differences: plan.differences,
            counts: FileCounts(plan.differences),
            revision: view.revision,
            digest: plan.digest
        )
    }

    /// Makes interfaces and peers what the file says, as one revision; revision 0 when there was nothing to change.
    ///
    /// Returns when the kernel was seen to follow, and without the keys that went. If it refuses, all of it is undone,
    /// unless all that the file does is to take access away.
    package func applyFile(
        _ request: FileRequest,
        digest: [UInt8]?,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<FileApplied> {
        try requireLoaded()
        // Before waiting for anybody.
        try requireAny(on: request.objects, try rights(context))
        let names = request.objects.filter { $0.peer == nil }.prefix(1000).compactMap { InterfaceName($0.interface) }
        return try await withLanes(names) { () async throws(Refusal) in
            let rights = try rights(context)
            try requireAny(on: request.objects, rights)
            let plan = FilePlan(request, state: view.state, readable: readable(rights))
            try requireRights(for: plan, context)
            guard plan.problems.isEmpty else { throw .invalid(plan.problems.map(\.violation)) }
            if let digest, digest != plan.digest { throw .planChanged }
            let counts = FileCounts(plan.differences)
            guard !counts.isEmpty else {
                record(context)
                return .done(FileApplied(counts: counts), revision: 0)
            }
            try begin(context)
            let change = try await fileChange(plan)
            let entry = context.entry(message: counts.words)
            switch try await commit(.applyFile(change), entry, key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                let undo = change.onlyTakesAway ? nil : Change.rollBack(to: revision - 1)
                try await follow(plan, revision, undo: undo, context)
                return .done(FileApplied(counts: counts), revision: revision)
            }
        }
    }

    // MARK: Rights

    private func path(_ interface: String, _ peer: String?) -> String {
        "node/\(node)/interface/\(interface)" + (peer.map { "/peer/\($0)" } ?? "")
    }

    private func readable(_ rights: Rights) -> Readable { Readable(node: node, rights: rights) }

    /// Whoever may do nothing to an object that the file names is refused before anything is worked out.
    private func requireAny(on objects: [FileObject], _ rights: Rights) throws(Refusal) {
        for path in Set(objects.map { path($0.interface, $0.peer) }).sorted() {
            guard let resource = ResourcePattern(path) else { continue }
            let verbs = [Verb.create, .update, .delete]
            guard !verbs.contains(where: { rights.allow($0, on: resource) }) else { continue }
            try rights.require(.get, on: resource)
        }
    }

    /// The caller's as of now, not as of when the call arrived.
    func rights(_ context: CallContext) throws(Refusal) -> Rights {
        guard let credential = context.credential else {
            throw .permissionMissing(verb: Verb.get.rawValue, resource: "node/\(node)")
        }
        return try recheck(credential).rights
    }

    /// What is no name is no object, and is complained about elsewhere.
    private func require(_ verb: Verb, on paths: Set<String>, _ rights: Rights) throws(Refusal) {
        for path in paths.sorted() {
            guard let resource = ResourcePattern(path) else { continue }
            try rights.require(verb, on: resource)
        }
    }

    /// Each object takes the right that changing it alone would take; what is left as it is, the right to see it.
    private func requireRights(for plan: FilePlan, _ context: CallContext) throws(Refusal) {
        let rights = try rights(context)
        for (verb, kind) in [
            (Verb.create, ObjectDifference.Kind.created), (.update, .changed), (.delete, .deleted),
        ] {
            let objects = plan.differences.filter { $0.kind == kind }
            try require(verb, on: Set(objects.map { path($0.interface, $0.peer) }), rights)
        }
        let named = plan.interfaces.keys.map { path($0.value, nil) }
        let peers = plan.peers.flatMap { name, peers in peers.keys.map { path(name.value, $0.value) } }
        let changed = Set(plan.differences.map { path($0.interface, $0.peer) })
        try require(.get, on: Set(named + peers).subtracting(changed), rights)
        try requireRouteAll(for: plan, context)
    }

    /// Whoever makes a peer the way to everywhere needs a right of its own for that.
    private func requireRouteAll(for plan: FilePlan, _ context: CallContext) throws(Refusal) {
        let present = view.interfaces.flatMap { view.peers(of: $0.name) }.flatMap(\.routed)
        for (name, peers) in plan.peers.sorted(by: { $0.key < $1.key }) {
            var added: [IPPrefix] = []
            for (peer, planned) in peers {
                let new = Set(planned.draft.routed).subtracting(planned.record?.routed ?? [])
                if new.contains(where: \.isWide) { try requireRouteAll(name.value, peer.value, context) }
                added += new
            }
            try requireRightsBehind(added, of: name, context)
            for family in Set(added.map(\.family))
            where IPPrefix.areWide((present + added).filter { $0.family == family }) {
                try requireRouteAll(name.value, "*", context)
            }
        }
    }
}
