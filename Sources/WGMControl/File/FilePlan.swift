// SPDX-License-Identifier: Apache-2.0

internal import WGMModel
internal import WGMVerify

/// What a gateway file would change, held against one state; and everything that is wrong with it.
struct FilePlan {
    /// Interfaces that may be listed or there.
    private static let maxInterfaces = 1000
    private(set) var problems: [FileProblem] = []
    private(set) var differences: [ObjectDifference] = []
    private(set) var interfaces: [InterfaceName: Planned<CheckedInterface, InterfaceRecord>] = [:]
    private(set) var peers: [InterfaceName: [ObjectName: Planned<PeerDraft, PeerRecord>]] = [:]
    private(set) var deletedInterfaces: [InterfaceRecord] = []
    private(set) var deletedPeers: [InterfaceName: [PeerRecord]] = [:]
    let state: GatewayState
    /// The names under which interfaces are listed, whatever is wrong with these.
    private let listed: Set<String>

    /// An object that the file names: what it is, what it is to be, and where the file says so.
    struct Planned<Draft: Hashable & Sendable, Record: Sendable>: Sendable {
        var draft: Draft
        var record: Record?
        var place: Int
        /// Of an interface: its peers are listed too.
        var listsPeers = false
    }

    init(_ request: FileRequest, state: GatewayState, readable: Readable? = nil) {
        self.state = state
        listed = Set(request.objects.filter { $0.peer == nil }.map(\.interface))
        for (index, object) in request.objects.enumerated() where object.peer == nil { addInterface(object, index) }
        for (index, object) in request.objects.enumerated() where object.peer != nil { addPeer(object, index) }
        if request.prune { prune() }
        problems += FileConflicts(self, request.objects, readable).problems
        problems.sort { ($0.place.object, $0.place.attribute ?? -1) < ($1.place.object, $1.place.attribute ?? -1) }
        compare()
    }

    // MARK: Objects

    private mutating func addInterface(_ object: FileObject, _ index: Int) {
        let place = FileProblem.Place(object: index)
        guard let name = InterfaceName(object.interface) else {
            return problems.append(FileProblem(place, "the name of an interface is \(InterfaceName.rule)"))
        }
        guard interfaces[name] == nil else {
            return problems.append(FileProblem(place, "the interface \(name) is listed twice"))
        }
        guard interfaces.count + state.interfaces.count < Self.maxInterfaces else {
            if interfaces.count + state.interfaces.count == Self.maxInterfaces {
                problems.append(FileProblem(place, "\(Self.maxInterfaces) interfaces at most"))
            }
            return
        }
        let record = state.interfaces[name]
        let before = record.map { CheckedInterface($0) } ?? CheckedInterface(name)
        let draft = applied(object, index, to: before, FileField.interface, isNew: record == nil)
        interfaces[name] = Planned(draft: draft, record: record, place: index, listsPeers: object.listsPeers)
    }

    private mutating func addPeer(_ object: FileObject, _ index: Int) {
        let place = FileProblem.Place(object: index)
        guard let interface = InterfaceName(object.interface),
            interfaces[interface] != nil || state.interfaces[interface] != nil
        else {
            // If the interface itself is listed, it was said there what is wrong with it.
            guard !listed.contains(object.interface) else { return }
            return problems.append(FileProblem(place, "there is no interface of that name"))
        }
        guard let name = object.peer.flatMap({ ObjectName($0) }) else {
            return problems.append(FileProblem(place, "the name of a peer is \(ObjectName.rule)"))
        }
        guard peers[interface]?[name] == nil else {
            return problems.append(FileProblem(place, "the peer \(name) of \(interface) is listed twice"))
        }
        let record = state.interfaces[interface].flatMap { state.peers[$0.id]?[name] }
        let before = record.map { PeerDraft($0) } ?? PeerDraft()
        var draft = applied(object, index, to: before, FileField.peer, isNew: record == nil)
        draft.normalise(record)
        if draft.publicKey == nil, !object.attributes.contains(where: { $0.name == "public_key" }) {
            problems.append(FileProblem(place, "\(name) is new, so that its public_key must be said"))
        }
        if let from = draft.validity.from, let until = draft.validity.until, until <= from {
            let said = object.attributes.lastIndex { ["valid_from", "valid_until"].contains($0.name) }
            problems.append(FileProblem(.init(object: index, attribute: said), "valid_until must be after valid_from"))
        }
        peers[interface, default: [:]][name] = Planned(draft: draft, record: record, place: index)
    }

    private mutating func applied<Draft: Hashable>(
        _ object: FileObject,
        _ index: Int,
        to before: Draft,
        _ fields: [FileField<Draft>],
        isNew: Bool
    ) -> Draft {
        var draft = before
        var seen: Set<String> = []
        for (number, attribute) in object.attributes.enumerated() {
            let place = FileProblem.Place(object: index, attribute: number)
            guard let field = fields.first(where: { $0.name == attribute.name }) else {
                problems.append(FileProblem(place, NearestName.rule(attribute.name, among: fields.map(\.name))))
                continue
            }
            guard seen.insert(attribute.name).inserted else {
                problems.append(FileProblem(place, "is said twice"))
                continue
            }
            // What is there already is right, however it came there.
            guard !attribute.says(field.read(before), as: field.form) else { continue }
            var checker = Checker()
            if let rule = attribute.formFault(field.form) {
                checker.refuse("", rule)
            } else {
                field.write(&draft, attribute.form == .null ? nil : attribute.values, &checker)
                if field.isFixed, !isNew, field.read(draft) != field.read(before) {
                    let present = field.read(before)?.first ?? "null"
                    checker.refuse(
                        "",
                        "is \(present) as long as the interface lives; delete it first, or leave this out"
                    )
                }
            }
            problems += checker.violations.map { FileProblem(place.at($0.field), $0.rule) }
        }
        return draft
    }

    // MARK: Pruning

    private mutating func prune() {
        deletedInterfaces = state.interfaces.values.filter { interfaces[$0.name] == nil }
        for (name, interface) in interfaces where interface.listsPeers {
            guard let record = interface.record else { continue }
            let unlisted = (state.peers[record.id] ?? [:]).values.filter { peers[name]?[$0.name] == nil }
            if !unlisted.isEmpty { deletedPeers[name] = unlisted }
        }
        for record in deletedInterfaces {
            deletedPeers[record.name] = (state.peers[record.id] ?? [:]).values.map(\.self)
        }
    }

    // MARK: Differences

    private mutating func compare() {
        var found: [ObjectDifference] = []
        for (name, planned) in interfaces {
            let before = planned.record.map { CheckedInterface($0) }
            let fields = FileField.interface
            found += difference(name, nil, before, planned.draft, CheckedInterface(name), fields).map { [$0] } ?? []
        }
        for (name, planned) in peers {
            for (peer, planned) in planned {
                let before = planned.record.map { PeerDraft($0) }
                let fields = FileField.peer
                found += difference(name, peer, before, planned.draft, PeerDraft(), fields).map { [$0] } ?? []
            }
        }
        for record in deletedInterfaces {
            found.append(deleted(record.name, nil, CheckedInterface(record), FileField.interface))
        }
        for (name, records) in deletedPeers {
            for record in records { found.append(deleted(name, record.name, PeerDraft(record), FileField.peer)) }
        }
        differences = found.sorted { ($0.interface, $0.peer ?? "") < ($1.interface, $1.peer ?? "") }
    }

    private func difference<Draft: Hashable>(
        _ interface: InterfaceName,
        _ peer: ObjectName?,
        _ before: Draft?,
        _ after: Draft,
        _ blank: Draft,
        _ fields: [FileField<Draft>]
    ) -> ObjectDifference? {
        guard before != after else { return nil }
        let attributes = fields.compactMap { field in
            let old = before.flatMap { field.text($0) }
            let new = field.text(after) ?? (before == nil && field.isGiven ? "given out by the gateway" : nil)
            let isSaid = before != nil || field.isGiven || field.text(after) != field.text(blank)
            return isSaid && !field.isSame(before, after)
                ? ObjectDifference.Attribute(name: field.name, before: old, after: new) : nil
        }
        if before != nil, attributes.isEmpty { return nil }
        return ObjectDifference(
            interface: interface.value,
            peer: peer?.value,
            kind: before == nil ? .created : .changed,
            attributes: attributes
        )
    }

    private func deleted<Draft>(
        _ interface: InterfaceName,
        _ peer: ObjectName?,
        _ before: Draft,
        _ fields: [FileField<Draft>]
    ) -> ObjectDifference {
        let attributes = fields.compactMap { field in
            field.text(before).map { ObjectDifference.Attribute(name: field.name, before: $0, after: nil) }
        }
        return ObjectDifference(interface: interface.value, peer: peer?.value, kind: .deleted, attributes: attributes)
    }

    /// Stands for these differences and no others.
    var digest: [UInt8] {
        var text: [UInt8] = []
        func add(_ part: String?) {
            text += Array((part.map { "\($0.utf8.count):\($0)" } ?? "-").utf8)
        }
        for object in differences {
            add(object.interface)
            add(object.peer)
            add("\(object.kind)")
            for attribute in object.attributes {
                add(attribute.name)
                add(attribute.before)
                add(attribute.after)
            }
        }
        return Hash.sha256(text)
    }
}
