// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// A grant as people type it: `node/*/interface/wg0/peer/*=get,list`.
struct GrantText: Hashable, Sendable, ExpressibleByArgument {
    let resource: String
    let verbs: [String]

    init?(argument: String) {
        guard let equals = argument.lastIndex(of: "=") else { return nil }
        resource = argument[..<equals].trimmed
        let rest = argument[argument.index(after: equals)...]
        verbs = rest.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmed)
        guard !resource.isEmpty, verbs.allSatisfy({ !$0.isEmpty }) else { return nil }
    }

    static func text(resource: String?, verbs: [String]) -> String {
        "\(resource ?? "")=\(verbs.joined(separator: ","))"
    }
}
