// SPDX-License-Identifier: Apache-2.0

/// What a caller may do now: what every layer allows, the layers being the token, the roles and the call's own scope.
package struct Rights: Hashable, Sendable {
    private var layers: [[Grant]]

    package init(token: [Grant], roles: [Grant]) { layers = [token, roles] }

    /// The same rights, as far as they lie inside the grant.
    package func narrowed(to scope: Grant) -> Rights {
        var rights = self
        rights.layers.append([scope])
        return rights
    }

    /// True when in each layer one grant covers the verb on everything that the resource stands for.
    package func allow(_ verb: Verb, on resource: ResourcePattern) -> Bool {
        layers.allSatisfy { layer in layer.contains { $0.covers(verb, on: resource) } }
    }

    /// True when there may be something that the verb is allowed on; when not, there is nothing.
    package func hold(_ verb: Verb) -> Bool {
        layers.allSatisfy { layer in layer.contains { $0.includes(verb) } }
    }

    /// True when there is nothing whatever that anything is allowed on.
    package var areNone: Bool { layers.contains { $0.isEmpty } }

    /// Refuses, naming verb and resource, unless `allow` holds.
    package func require(_ verb: Verb, on resource: ResourcePattern) throws(Refusal) {
        guard allow(verb, on: resource) else {
            throw .permissionMissing(verb: verb.rawValue, resource: resource.description)
        }
    }

    /// Refuses unless the holder could use every bit of the grant: nobody hands on what they do not have.
    package func requireHolding(_ grant: Grant) throws(Refusal) {
        for verb in grant.verbs.sorted() { try require(verb, on: grant.resource) }
    }

    /// The rights as grants, for people to read.
    package var grants: [Grant] {
        var common = layers[0]
        for layer in layers.dropFirst() {
            common = common.flatMap { grant in layer.compactMap { grant.intersection($0) } }
        }
        return Array(Set(common)).sorted { $0.resource < $1.resource }
    }
}
