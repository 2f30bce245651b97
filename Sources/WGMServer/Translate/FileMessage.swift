// SPDX-License-Identifier: Apache-2.0

internal import WGMControl
internal import WGMModel
internal import WGMWire

extension FileObject {
    init(_ message: V1.FileObject) {
        self.init(
            interface: message.interface ?? "",
            peer: message.peer,
            attributes: message.attributes.map { FileAttribute($0) },
            listsPeers: message.listsPeers == true
        )
    }
}

extension FileAttribute {
    fileprivate init(_ message: V1.FileAttribute) {
        let form: Form =
            switch message.form ?? .text {
            case .text: .text
            case .number: .number
            case .flag: .flag
            case .list: .list
            case .null: .null
            // A form of a later version is none that a field of this one has.
            case .unrecognized: .list
            }
        self.init(message.name ?? "", form, message.values)
    }
}

extension V1.FileObject {
    init(_ object: FileObject) {
        self.init(
            interface: object.interface,
            peer: object.peer,
            attributes: object.attributes.map { attribute in
                V1.FileAttribute(name: attribute.name, form: .init(attribute.form), values: attribute.values)
            },
            listsPeers: object.listsPeers ? true : nil
        )
    }
}

extension V1.FileValueForm {
    fileprivate init(_ form: FileAttribute.Form) {
        self =
            switch form {
            case .text: .text
            case .number: .number
            case .flag: .flag
            case .list: .list
            case .null: .null
            }
    }
}

extension V1.FileProblem {
    fileprivate init(_ problem: FileProblem) {
        self.init(
            object: UInt32(clamping: problem.place.object),
            attribute: problem.place.attribute.map { UInt32(clamping: $0) },
            value: problem.place.value.map { UInt32(clamping: $0) },
            rule: problem.rule
        )
    }
}

extension V1.PlanResponse {
    /// Bytes of text in one reply, which is to fit into one message.
    private static let mostBytes = 512 * 1024

    init(_ preview: FilePreview) {
        var room = Self.mostBytes
        let problems = preview.problems.prefix { problem in
            room -= problem.rule.utf8.count + 32
            return room > 0
        }
        let objects = preview.differences.prefix { object in
            room -= object.size
            return room > 0
        }
        let isCut = problems.count < preview.problems.count || objects.count < preview.differences.count
        self.init(
            problems: problems.map { V1.FileProblem($0) },
            objects: objects.map { V1.ChangedObject($0) },
            truncated: isCut ? true : nil,
            created: UInt32(clamping: preview.counts.created),
            changed: UInt32(clamping: preview.counts.changed),
            deleted: UInt32(clamping: preview.counts.deleted),
            problemCount: UInt32(clamping: preview.problems.count),
            revision: preview.revision,
            digest: preview.digest
        )
    }
}

extension ObjectDifference {
    /// About what it takes in a message.
    fileprivate var size: Int {
        attributes.reduce(interface.utf8.count + (peer?.utf8.count ?? 0) + 16) { size, attribute in
            size + attribute.name.utf8.count + (attribute.before?.utf8.count ?? 0) + (attribute.after?.utf8.count ?? 0)
                + 12
        }
    }
}
