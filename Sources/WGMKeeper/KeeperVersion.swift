// SPDX-License-Identifier: Apache-2.0

/// The version of wgm as the keeper reports it: the same as `WGMVersion`, whose module the keeper does not link.
package enum KeeperVersion {
    package static let current = "0.1.0"
}
