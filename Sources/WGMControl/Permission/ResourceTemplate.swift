// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Makes resource paths out of the templates of the permission table.
package enum ResourceTemplate {
    /// Replaces `{node}` by the node's name and other placeholders by the request's values, one path for each value.
    ///
    /// `values` returns nothing for a field that is absent. Then, and for a value that cannot be a name, the segment is
    /// `*`: the caller needs the right to all of them, and the use case says what is wrong with the value. The one
    /// exception is an absent `{principal}`, which is the caller.
    package static func expand(
        _ template: String,
        node: ObjectName,
        caller: ObjectName?,
        values: (String) -> [String]
    ) -> [ResourcePattern] {
        var paths: [[String]] = [[]]
        for part in template.split(separator: "/") {
            let choices = choices(String(part), node: node, caller: caller, values: values)
            paths = paths.flatMap { path in choices.map { path + [$0] } }
        }
        return paths.map { ResourcePattern($0.joined(separator: "/")) ?? .everything }
    }

    private static func choices(
        _ part: String,
        node: ObjectName,
        caller: ObjectName?,
        values: (String) -> [String]
    ) -> [String] {
        guard part.hasPrefix("{"), part.hasSuffix("}") else { return [part] }
        let field = String(part.dropFirst().dropLast())
        if field == "node" { return [node.value] }
        let found = values(field).filter { !$0.isEmpty }
        if found.isEmpty, field == "principal", let caller { return [caller.value] }
        guard !found.isEmpty else { return ["*"] }
        return Array(Set(found.map { ResourcePattern.isName($0) ? $0 : "*" }))
    }
}
