// SPDX-License-Identifier: Apache-2.0

/// What a grant lets its holder do with a resource.
package enum Verb: String, Hashable, Sendable, CaseIterable, Comparable {
    case get, list, create, update, delete, grant, issue, revoke, impersonate
    case readSecret = "read-secret"
    case breakGlass = "break-glass"
    case routeAll = "route-all"
    /// Takes over what was there before wgm, with its keys.
    case takeOver = "import"
    /// Every ordinary verb, also those of later versions.
    case all = "*"

    /// True for what the wildcard never stands for: it must be granted by name.
    package var mustBeNamed: Bool {
        switch self {
        case .grant, .impersonate, .readSecret, .breakGlass, .routeAll: true
        case .get, .list, .create, .update, .delete, .issue, .revoke, .takeOver, .all: false
        }
    }

    /// True for what no method asks for yet; tokens may have it already, so that a later version's wildcard leaves it out too.
    package var isReserved: Bool {
        switch self {
        case .impersonate, .readSecret, .breakGlass: true
        default: false
        }
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
