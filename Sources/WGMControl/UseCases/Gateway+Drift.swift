// SPDX-License-Identifier: Apache-2.0

package import WGMModel

extension Gateway {
    /// Changes nothing in the kernel by itself; the next look at the interface goes by the new policy.
    package func setDriftPolicy(
        name: String?,
        policy: DriftPolicy,
        _ context: CallContext
    ) async throws(Refusal) -> Outcome<InterfaceReport> {
        let name = try interfaceName(name, "name")
        return try await lanes.withLock(name) { () async throws(Refusal) in
            try begin(context)
            if isNothing(view.interface(name)?.driftPolicy, { _ in policy }, context) {
                try await confirmNothing(of: name, context)
                return .done(try report(name), revision: 0)
            }
            let progress = view.progress(name)
            switch try await commit(.setDriftPolicy(name, policy), context.entry(), key: context.key) {
            case .repeated(let reply): return .repeated(reply)
            case .fresh(_, let revision, _):
                // There is nothing that the kernel would have to follow.
                if progress?.isSettled == true { view.settle(name, at: revision) }
                return .done(try report(name), revision: revision)
            }
        }
    }

    /// The last drift of one interface or of all, open or over.
    package func listDrift(
        interface: String?,
        _ context: CallContext
    ) throws(Refusal) -> ([(InterfaceName, Drift)], Freshness) {
        try requireLoaded()
        var names = view.interfaces.map(\.name)
        if let interface, !interface.isEmpty {
            let name = try interfaceName(interface, "interface")
            guard names.contains(name) else { throw .store(.notFound(.interface(name))) }
            names = [name]
        }
        record(context)
        return (names.compactMap { name in view.drift(name).map { (name, $0) } }, view.freshness)
    }
}
