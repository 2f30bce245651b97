// SPDX-License-Identifier: Apache-2.0

/// An interface or a peer as a gateway file says it: docs/gateway-file.md.
package struct FileObject: Hashable, Sendable {
    package var interface: String
    /// nil for the interface itself.
    package var peer: String?
    package var attributes: [FileAttribute]
    /// Of an interface: its peers are listed too, so that pruning deletes those that are not.
    package var listsPeers: Bool

    package init(interface: String, peer: String? = nil, attributes: [FileAttribute] = [], listsPeers: Bool = false) {
        self.interface = interface
        self.peer = peer
        self.attributes = attributes
        self.listsPeers = listsPeers
    }
}

/// One line of such an object.
package struct FileAttribute: Hashable, Sendable {
    package enum Form: Hashable, Sendable {
        case text, number, flag, list
        /// Cleared, or given out by the gateway.
        case null
    }
    package var name: String
    package var form: Form
    /// One, or any number of a list; none of null.
    package var values: [String]

    package init(_ name: String, _ form: Form, _ values: [String]) {
        self.name = name
        self.form = form
        self.values = values
    }
}

/// What a caller wants the gateway to be.
package struct FileRequest: Sendable {
    package var objects: [FileObject]
    /// Delete interfaces, and peers of interfaces that list theirs, when they are not named.
    package var prune: Bool

    package init(objects: [FileObject], prune: Bool) {
        self.objects = objects
        self.prune = prune
    }
}

/// Something that is wrong with a file, and where; positions count from 0.
package struct FileProblem: Hashable, Sendable {
    package struct Place: Hashable, Sendable {
        package var object: Int
        /// nil: the object as a whole.
        package var attribute: Int?
        /// nil: the attribute as a whole.
        package var value: Int?

        package init(object: Int, attribute: Int? = nil, value: Int? = nil) {
            self.object = object
            self.attribute = attribute
            self.value = value
        }
    }
    package var place: Place
    package var rule: String

    package init(_ place: Place, _ rule: String) {
        self.place = place
        self.rule = rule
    }

    /// As a field of the request.
    var violation: Refusal.Violation {
        let attribute = place.attribute.map { ".attributes[\($0)]" } ?? ""
        let value = place.value.map { ".values[\($0)]" } ?? ""
        return .init(field: "objects[\(place.object)]\(attribute)\(value)", rule: rule)
    }
}
