// SPDX-License-Identifier: Apache-2.0
internal import WGMGatewayFile
internal import WGMWire

/// Gateway files as wgmctl reads them.
///
/// Every part that is read, and every mistake, has a place that the file has; what is read says the same after it was
/// written as JSON and read again.
struct GatewayFileText: FuzzTarget {
    static let name = "gateway-file"

    init() {}

    func run(_ input: [UInt8]) throws {
        let file: GatewayFile
        do throws(FileMistake) { file = try GatewayFile(input) } catch { return try check(error.mark, input) }
        for mistake in file.mistakes { try check(mistake.mark, input) }
        try require(file.places.count == file.objects.count, "objects without a place")
        for (object, place) in zip(file.objects, file.places) {
            try check(place.mark, input)
            try require(object.attributes.count == place.attributes.count, "attributes without a place")
            for attribute in place.attributes {
                for mark in [attribute.mark] + attribute.values { try check(mark, input) }
            }
        }
        guard file.mistakes.isEmpty else { return }
        let written = Self.written(file.objects)
        let again: GatewayFile
        do throws(FileMistake) { again = try GatewayFile(Array(written.utf8)) } catch {
            throw Finding(description: "what was written is refused, \(error): \(written)")
        }
        try require(again.mistakes.isEmpty, "what was written has mistakes: \(again.mistakes)")
        let texts = (file.objects.map { $0.serialized() }, again.objects.map { $0.serialized() })
        try require(texts.0 == texts.1, "written and read again the file differs: \(written)")
    }

    private func check(_ mark: FileMark, _ input: [UInt8]) throws {
        // YAML ends lines at CR, NEL, LS and PS too, and at the end of the file one more begins.
        let lines = input.count { $0 == 0x0a || $0 == 0x0d || $0 == 0x85 || $0 == 0xa8 || $0 == 0xa9 } + 2
        try require(mark.line >= 1 && mark.line <= lines, "there is no line \(mark.line)")
        try require(mark.column >= 1 && mark.column <= input.count + 1, "there is no column \(mark.column)")
    }

    private static func written(_ objects: [V1.FileObject]) -> String {
        var interfaces: [(object: V1.FileObject, peers: [V1.FileObject])] = []
        for object in objects {
            if object.peer == nil {
                interfaces.append((object, []))
            } else {
                interfaces[interfaces.count - 1].peers.append(object)
            }
        }
        let members = interfaces.map { object, peers in
            var members = object.attributes.map(written)
            if object.listsPeers == true {
                let peers = peers.map {
                    "? \(quoted($0.peer ?? "")): {\($0.attributes.map(written).joined(separator: ", "))}"
                }
                members.append("\"peers\": {\(peers.joined(separator: ", "))}")
            }
            return "? \(quoted(object.interface ?? "")): {\(members.joined(separator: ", "))}"
        }
        return "{\"version\": 1, \"interfaces\": {\(members.joined(separator: ", "))}}"
    }

    private static func written(_ attribute: V1.FileAttribute) -> String {
        let values = attribute.values.map(quoted)
        let value =
            switch attribute.form ?? .text {
            case .null: "null"
            case .list: "[\(values.joined(separator: ", "))]"
            case .text, .number, .flag, .unrecognized: values.first ?? "null"
            }
        return "? \(quoted(attribute.name ?? "")): \(value)"
    }

    /// Every character by its number, so that none has a meaning.
    ///
    /// Keys go behind a `?`, without which they may not be long.
    private static func quoted(_ text: String) -> String {
        let characters = text.unicodeScalars.map { scalar in
            let digits = String(scalar.value, radix: 16)
            return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
        return "\"" + characters.joined() + "\""
    }
}
