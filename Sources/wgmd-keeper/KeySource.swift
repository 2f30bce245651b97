// SPDX-License-Identifier: Apache-2.0

internal import WGMKeeper
internal import WGMKeys
internal import WGMService

/// Where the key-encryption key comes from, and the key itself if only the starting user can read it.
struct KeySource: ~Copyable {
    private let isElsewhere: Bool
    private let key: SealingKey?

    private init(isElsewhere: Bool, key: consuming SealingKey?) {
        self.isElsewhere = isElsewhere
        self.key = key
    }

    /// To be called before privileges are dropped, so that the key may be in a file that only root can read.
    static func find(_ options: Options) throws(KeyFolderError) -> KeySource {
        if let path = options.sealingKeyPath {
            return KeySource(isElsewhere: true, key: try readOrMake(path, in: KeyFolder(options.state)))
        }
        guard let credentials = Environment["CREDENTIALS_DIRECTORY"] else {
            return KeySource(isElsewhere: false, key: nil)
        }
        let credential = try SealingKeyFile.read(credentials + "/wgm-kek", sharedWithGroup: true)
        return KeySource(isElsewhere: false, key: credential)
    }

    private static func readOrMake(_ path: String, in folder: KeyFolder) throws(KeyFolderError) -> SealingKey? {
        if let key = try SealingKeyFile.read(path) { return key }
        return folder.holdsSealedKeys ? nil : try SealingKeyFile.make(path)
    }

    consuming func keys(in folder: KeyFolder) throws(KeyFolderError) -> KeyRing {
        if isElsewhere, key == nil { return try folder.sealed() }
        return try folder.open(given: key)
    }
}
