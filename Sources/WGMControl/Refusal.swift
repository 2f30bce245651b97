// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// Why a call was not done: facts, which the server turns into a status code and words.
package enum Refusal: Error, Hashable, Sendable {
    /// Field path in the request and the rule that it breaks; all of them, not the first only.
    case invalid([Violation])
    case store(StoreFailure)
    /// The kernel refused; `undone` tells whether the wanted state was put back (with the revision that did it).
    case kernel(KernelFailure, undoneBy: Int64?)
    /// The change is made, as that revision, and stays; the kernel does not follow yet, and the reconciler goes on trying.
    case notFollowed(KernelFailure, revision: Int64)
    /// The verb and resource that neither token nor roles cover.
    case permissionMissing(verb: String, resource: String)
    case unauthenticated(String)
    /// The call with this key is under way, or was cut off; it is not known how it ends.
    case underWay
    /// The caller gave the call up, or its time was over, before anything was done.
    case givenUp
    /// So many watch already: of one principal, or in all.
    case tooManyWatchers(Int, of: String? = nil)
    /// What a file would change is not any more what the caller was shown.
    case planChanged

    package struct Violation: Hashable, Sendable {
        package var field: String
        package var rule: String

        package init(field: String, rule: String) {
            self.field = field
            self.rule = rule
        }
    }
}
