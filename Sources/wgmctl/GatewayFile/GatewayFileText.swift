// SPDX-License-Identifier: Apache-2.0

internal import WGMWire

/// Interfaces and peers as the daemon exports them, in the form of a gateway file.
struct GatewayFileText: Presentable {
    /// Each interface before its peers.
    var objects: [V1.FileObject]
    var revision: Int64?

    /// YAML: stable, so that two exports differ where the gateway does.
    func text(styled: Bool) -> String { yaml }

    var document: Document {
        var interfaces: [String: Document] = [:]
        var peers: [String: [String: Document]] = [:]
        for object in objects {
            let attributes = object.attributes.map { ($0.name ?? "", $0.document) }
            let members = Dictionary(attributes) { first, _ in first }
            if let peer = object.peer {
                peers[object.interface ?? "", default: [:]][peer] = .object(members)
            } else {
                interfaces[object.interface ?? ""] = .object(members)
            }
        }
        for (name, interface) in interfaces {
            guard case .object(var members) = interface else { continue }
            members["peers"] = .object(peers[name] ?? [:])
            interfaces[name] = .object(members)
        }
        return .object(["version": .number(1), "interfaces": .object(interfaces)])
    }

    var yaml: String {
        var output = "# wgm gateway file; wgmctl plan -f FILE shows what applying it would change.\n"
        if let revision { output += "# As of revision \(revision).\n" }
        output += "version: 1\ninterfaces:"
        guard !objects.isEmpty else { return output + " {}\n" }
        output += "\n"
        for (index, object) in objects.enumerated() {
            let name = Document.scalar(object.peer ?? object.interface ?? "")
            if object.peer != nil {
                Self.write(name, object, indent: "      ", to: &output)
                continue
            }
            Self.write(name, object, indent: "  ", rest: true, to: &output)
            let next = objects.indices.contains(index + 1) ? objects[index + 1] : nil
            output += "    peers:" + (next?.peer == nil ? " {}\n" : "\n")
        }
        return output
    }

    private static func write(
        _ name: String,
        _ object: V1.FileObject,
        indent: String,
        rest: Bool = false,
        to output: inout String
    ) {
        let isEmpty = object.attributes.isEmpty && !rest
        output += "\(indent)\(name):\(isEmpty ? " {}" : "")\n"
        for attribute in object.attributes {
            output += "\(indent)  \(Document.scalar(attribute.name ?? "")): \(attribute.yaml)\n"
        }
    }
}

extension V1.FileAttribute {
    fileprivate var yaml: String {
        switch form ?? .text {
        case .null: "null"
        case .list: "[" + values.map { Document.flowScalar($0) }.joined(separator: ", ") + "]"
        case .number, .flag: values.first ?? "null"
        case .text, .unrecognized: Document.scalar(values.first ?? "")
        }
    }

    fileprivate var document: Document {
        switch form ?? .text {
        case .null: .absent
        case .list: .texts(values)
        case .number: values.first.flatMap { Int64($0) }.map { .number($0) } ?? .absent
        case .flag: .flag(values.first == "true")
        case .text, .unrecognized: .text(values.first)
        }
    }
}

extension Document {
    /// The same within brackets; addresses hold no comma, but other texts may.
    fileprivate static func flowScalar(_ text: String) -> String {
        text.utf8.contains(UInt8(ascii: ",")) ? text.quoted { "\\U" + $0.value.hexadecimal(digits: 8) } : scalar(text)
    }
}
