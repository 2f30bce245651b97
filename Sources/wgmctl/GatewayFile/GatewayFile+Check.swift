// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMGatewayFile
internal import WGMWire

extension GatewayFile {
    static let maxBytes = 64 << 20

    /// Reads a file; `-` is standard input.
    static func read(path: String) throws(Failure) -> GatewayFile {
        let bytes: [UInt8]?
        do {
            let file = try path == "-" ? Descriptor(number: dup(STDIN_FILENO)) : Descriptor(path: path, flags: O_RDONLY)
            bytes = try file.readChunks(limit: maxBytes)
        } catch {
            throw Failure(.usage, "cannot read \(path): \(error)")
        }
        guard let bytes else { throw Failure(.usage, "\(path) is larger than 64 MiB") }
        do throws(FileMistake) {
            return try GatewayFile(bytes)
        } catch {
            let violation = Failure.Violation(field: error.mark.description, rule: error.words)
            throw Failure(.invalidArgument, "\(path) cannot be read", violations: [violation], hint: hint)
        }
    }

    static let hint = "man 5 wgm-gateway.yaml shows what such a file says"

    /// Everything that is wrong, here and in the daemon's eyes, in the order of the file; nil when nothing is.
    func failure(path: String, _ plan: V1.PlanResponse) -> Failure? {
        var found = mistakes.map { (mark: $0.mark, name: "", rule: $0.words) }
        found += plan.problems.map { problem in
            let object = Int(problem.object ?? 0)
            let attribute = problem.attribute.map { Int($0) }
            let mark = mark(object: object, attribute: attribute, value: problem.value.map { Int($0) })
            return (mark, " (\(name(object: object, attribute: attribute)))", problem.rule ?? "")
        }
        guard !found.isEmpty else { return nil }
        let count = mistakes.count + Int(problem: plan)
        let words = count == 1 ? "something is" : "\(count) things are"
        let violations = found.sorted { $0.mark < $1.mark }.map { entry in
            Failure.Violation(field: entry.mark.description + entry.name, rule: entry.rule)
        }
        let rest = count - found.count
        let hint = rest > 0 ? "\(rest) more are wrong" : Self.hint
        return Failure(
            .invalidArgument,
            "\(words) wrong with \(path), nothing is changed",
            violations: violations,
            hint: hint
        )
    }
}

extension FileMark: CustomStringConvertible {
    var description: String { "line \(line), column \(column)" }
}

extension Int {
    fileprivate init(problem plan: V1.PlanResponse) {
        self = Swift.max(Int(plan.problemCount ?? 0), plan.problems.count)
    }
}
