// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// What applying a gateway file would change, or changed.
struct PlanDetails: Presentable {
    var plan: V1.PlanResponse
    /// Once it is applied.
    var revision: Int64?
    /// What the gateway is when there is nothing to change.
    var goal = "what the file says"

    var isEmpty: Bool { (plan.created ?? 0) + (plan.changed ?? 0) + (plan.deleted ?? 0) == 0 }

    var document: Document {
        var members: [String: Document] = [
            "created": .number(plan.created ?? 0), "changed": .number(plan.changed ?? 0),
            "deleted": .number(plan.deleted ?? 0), "base_revision": .number(plan.revision),
            "objects": ChangedObjects(objects: plan.objects).document,
        ]
        if let revision { members["revision"] = .number(revision) }
        return .object(members)
    }

    func text(styled: Bool) -> String {
        guard !isEmpty else { return "nothing to change: the gateway is \(goal)\n" }
        var output = ""
        for object in plan.objects { Self.write(object, to: &output) }
        let counts = "\(plan.created ?? 0) to create, \(plan.changed ?? 0) to change, \(plan.deleted ?? 0) to delete"
        return output + counts + "\n"
    }

    private static func write(_ object: V1.ChangedObject, to output: inout String) {
        let name =
            object.peer.map { "peer \($0) of \(object.interface ?? "")" } ?? "interface \(object.interface ?? "")"
        switch object.change {
        case .created:
            output += "+ \(name)\n".printableLine
            for attribute in object.attributes {
                output += "    \(attribute.attribute ?? ""): \(attribute.after ?? "null")\n".printableLine
            }
        case .deleted: output += "- \(name)\n".printableLine
        default:
            output += "~ \(name)\n".printableLine
            for attribute in object.attributes {
                let change = "\(attribute.before ?? "null") -> \(attribute.after ?? "null")"
                output += "    \(attribute.attribute ?? ""): \(change)\n".printableLine
            }
        }
    }
}

extension String {
    /// The line without what a terminal would take for a command.
    fileprivate var printableLine: String { String(dropLast()).printable + "\n" }
}
