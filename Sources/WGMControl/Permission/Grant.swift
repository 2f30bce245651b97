// SPDX-License-Identifier: Apache-2.0

/// Permission to do some things with the resources that a pattern stands for.
package struct Grant: Hashable, Sendable {
    package var resource: ResourcePattern
    package var verbs: Set<Verb>

    package init(resource: ResourcePattern, verbs: Set<Verb>) {
        self.resource = resource
        self.verbs = verbs
    }

    /// nil unless the pattern is well formed and all verbs are known, and there is at least one.
    package init?(resource: String, verbs: [String]) {
        guard let resource = ResourcePattern(resource), !verbs.isEmpty else { return nil }
        var known: Set<Verb> = []
        for text in verbs {
            guard let verb = Verb(rawValue: text) else { return nil }
            known.insert(verb)
        }
        self.init(resource: resource, verbs: known)
    }

    /// Reads `PATTERN VERB,VERB`, the form in which one call narrows itself.
    package init?(scope text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let verbs = parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        self.init(resource: String(parts[0]), verbs: verbs)
    }

    /// The form that `init(scope:)` reads.
    package var scope: String { "\(resource) \(verbs.sorted().map(\.rawValue).joined(separator: ","))" }

    package func covers(_ verb: Verb, on other: ResourcePattern) -> Bool {
        includes(verb) && resource.covers(other)
    }

    func includes(_ verb: Verb) -> Bool {
        verbs.contains(verb) || verbs.contains(.all) && !verb.mustBeNamed
    }

    /// What both grants allow; nil when that is nothing.
    package func intersection(_ other: Grant) -> Grant? {
        let verbs = Set(Verb.allCases.filter { includes($0) && other.includes($0) })
        guard let resource = resource.intersection(other.resource), !verbs.isEmpty else { return nil }
        return Grant(
            resource: resource,
            verbs: verbs.contains(.all) ? verbs.filter { $0 == .all || $0.mustBeNamed } : verbs
        )
    }
}
