// SPDX-License-Identifier: Apache-2.0

internal import WGMModel
package import WGMWire

/// A gateway file as objects of a request, with the place of each in the file.
package struct GatewayFile {
    /// Where an object and its parts stand.
    package struct Place {
        package struct Attribute {
            package var mark: FileMark
            package var values: [FileMark]
        }
        package var mark: FileMark
        package var attributes: [Attribute] = []
    }

    package private(set) var objects: [V1.FileObject] = []
    package private(set) var places: [Place] = []
    /// What is wrong with the file itself; attributes are judged by the daemon.
    package private(set) var mistakes: [FileMistake] = []
    /// The key `interfaces` is there, so that what it does not list may be meant to go.
    package private(set) var listsInterfaces = false
    private let events: YAMLEvents
    /// Deeper than any file has reason to be.
    private static let maxDepth = 16

    /// - Throws: a mistake behind which nothing can be read.
    package init(_ text: [UInt8]) throws(FileMistake) {
        events = try YAMLEvents(text)
        try readTop()
    }

    /// The place of something that the daemon complains about.
    package func mark(object: Int, attribute: Int?, value: Int?) -> FileMark {
        guard places.indices.contains(object) else { return FileMark(line: 1, column: 1) }
        let place = places[object]
        guard let attribute, place.attributes.indices.contains(attribute) else { return place.mark }
        let found = place.attributes[attribute]
        return value.flatMap { found.values.indices.contains($0) ? found.values[$0] : nil } ?? found.mark
    }

    /// What the object is called, and its attribute.
    package func name(object: Int, attribute: Int?) -> String {
        guard objects.indices.contains(object) else { return "" }
        let found = objects[object]
        let names = [found.interface, found.peer].compactMap(\.self)
        let field = attribute.flatMap { found.attributes.indices.contains($0) ? found.attributes[$0].name : nil }
        return (names + [field].compactMap(\.self)).joined(separator: " ")
    }

    private mutating func refuse(_ words: String, at mark: FileMark? = nil) {
        mistakes.append(FileMistake(mark: mark ?? events.mark, words: words))
    }

    // MARK: The levels of a file

    private mutating func readTop() throws(FileMistake) {
        let start = try events.next()
        guard start == .mapStart else {
            throw FileMistake(mark: events.mark, words: "a gateway file begins with `version: 1`")
        }
        var hasVersion = false
        try readMap { (file, key, mark) throws(FileMistake) in
            switch key {
            case "version":
                hasVersion = true
                let value = try file.events.next()
                if case .scalar("1", _) = value { return }
                file.refuse("this wgmctl reads version 1")
                try file.skip(value)
            case "interfaces":
                file.listsInterfaces = true
                try file.readNamed("interfaces") { (file, name, mark) throws(FileMistake) in
                    try file.readInterface(name, mark)
                }
            default:
                file.refuse("\(key) \(NearestName.rule(key, among: ["version", "interfaces"]))", at: mark)
                try file.skip(file.events.next())
            }
        }
        if !hasVersion { refuse("`version: 1` is missing", at: FileMark(line: 1, column: 1)) }
        guard try events.next() == .documentEnd, try events.next() == .documentEnd else {
            throw FileMistake(mark: events.mark, words: "a gateway file is one document")
        }
    }

    private mutating func readInterface(_ name: String, _ mark: FileMark) throws(FileMistake) {
        let index = objects.count
        objects.append(V1.FileObject(interface: name))
        places.append(Place(mark: mark))
        try readObject("the interface \(name)") { (file, key, mark) throws(FileMistake) in
            guard key == "peers" else { return try file.readAttribute(key, mark, of: index) }
            file.objects[index].listsPeers = true
            try file.readNamed("peers") { (file, peer, mark) throws(FileMistake) in
                let index = file.objects.count
                file.objects.append(V1.FileObject(interface: name, peer: peer))
                file.places.append(Place(mark: mark))
                try file.readObject("the peer \(peer)") { (file, key, mark) throws(FileMistake) in
                    try file.readAttribute(key, mark, of: index)
                }
            }
        }
    }

    private mutating func readAttribute(_ key: String, _ mark: FileMark, of object: Int) throws(FileMistake) {
        var attribute = V1.FileAttribute(name: key, form: .text)
        var place = Place.Attribute(mark: mark, values: [])
        switch try events.next() {
        case .scalar(let text, let isPlain):
            place.mark = events.mark
            if isPlain, Self.isNull(text) { attribute.form = .null } else { attribute.values = [text] }
        case .listStart:
            attribute.form = .list
            try readList(&attribute, &place)
        case let other:
            refuse("\(key) is a value or a list", at: mark)
            return try skip(other)
        }
        objects[object].attributes.append(attribute)
        places[object].attributes.append(place)
    }

    private mutating func readList(
        _ attribute: inout V1.FileAttribute,
        _ place: inout Place.Attribute
    ) throws(FileMistake) {
        while true {
            switch try events.next() {
            case .listEnd: return
            case .scalar(let text, let isPlain):
                if isPlain, Self.isNull(text) { refuse("null is no element of a list") }
                attribute.values.append(text)
                place.values.append(events.mark)
            case let other:
                refuse("a list holds values only")
                try skip(other)
            }
        }
    }

    // MARK: Parts

    private static func isNull(_ text: String) -> Bool { ["", "~", "null", "Null", "NULL"].contains(text) }

    /// A mapping from names.
    ///
    /// Null is what is left of a file that was cut, or of a template that failed, and is not taken for none.
    private mutating func readNamed(
        _ what: String,
        _ body: (inout GatewayFile, String, FileMark) throws(FileMistake) -> Void
    ) throws(FileMistake) {
        switch try events.next() {
        case .mapStart: try readMap(body)
        case .scalar(let text, isPlain: true) where Self.isNull(text):
            refuse("nothing stands behind \(what); {} says that there are none, of which --prune makes it so")
        case let other:
            refuse("\(what) are written as NAME: { … }")
            try skip(other)
        }
    }

    /// The mapping of attributes of one object.
    private mutating func readObject(
        _ what: String,
        _ body: (inout GatewayFile, String, FileMark) throws(FileMistake) -> Void
    ) throws(FileMistake) {
        let event = try events.next()
        guard event == .mapStart else {
            refuse("\(what) is null or a value; {} leaves it as it is, and leaving it out with --prune deletes it")
            return try skip(event)
        }
        try readMap(body)
    }

    /// Reads up to the mapping's end; what is there twice is refused, and read once.
    private mutating func readMap(
        _ body: (inout GatewayFile, String, FileMark) throws(FileMistake) -> Void
    ) throws(FileMistake) {
        var seen: [String: FileMark] = [:]
        while true {
            let event = try events.next()
            switch event {
            case .mapEnd: return
            case .scalar(let key, _):
                let mark = events.mark
                if let first = seen.updateValue(mark, forKey: key) {
                    refuse("\(key) is in line \(first.line) already", at: mark)
                    try skip(events.next())
                } else {
                    try body(&self, key, mark)
                }
            case let other:
                refuse("a name is expected here")
                try skip(other)
                try skip(events.next())
            }
        }
    }

    /// Passes over what the event begins.
    private func skip(_ event: YAMLEvent) throws(FileMistake) {
        var event = event
        var depth = 0
        while true {
            switch event {
            case .listStart, .mapStart: depth += 1
            case .listEnd, .mapEnd: depth -= 1
            case .scalar: break
            case .documentEnd: throw FileMistake(mark: events.mark, words: "the file ends in the middle")
            }
            guard depth > 0 else { return }
            guard depth <= Self.maxDepth else { throw FileMistake(mark: events.mark, words: "nested too deeply") }
            event = try events.next()
        }
    }
}
