// SPDX-License-Identifier: Apache-2.0

package import WGMModel

/// What the kernel was last seen to hold for one interface.
package struct Observation: Hashable, Sendable {
    /// nil when there was no link of that name.
    package var actual: ActualInterface?
    /// True when the kernel held what the database says.
    package var isInSync: Bool
    /// Why the last attempt to make it so failed; nil when it did not.
    package var failure: KernelFailure?
    package var time: Timestamp
    /// Orders observations by when they began.
    var ticket: UInt64
}

/// How old a read is.
package struct Freshness: Hashable, Sendable {
    /// When the database was last known to say this; nil before it was first read.
    package var asOf: Timestamp?
    /// Why it may be out of date; nil when the database answers.
    package var staleReason: String?
}
