// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The folder with `initdb` and `postgres` of one major version.
struct PostgresPrograms {
    static let root = "/usr/lib/postgresql"
    private static let versions = ["15", "16", "17"]

    let folder: String

    var initdb: String { "\(folder)/initdb" }
    var postgres: String { "\(folder)/postgres" }

    /// The version that made a cluster, or the oldest there is for a new one.
    init(version: String?) throws(ClusterFailure) {
        let candidates = version.map { [$0] } ?? Self.versions
        for candidate in candidates where Self.versions.contains(candidate) {
            let folder = "\(Self.root)/\(candidate)/bin"
            if unsafe access("\(folder)/initdb", X_OK) == 0, unsafe access("\(folder)/postgres", X_OK) == 0 {
                self.folder = folder
                return
            }
        }
        throw .programsMissing(version: version)
    }
}
