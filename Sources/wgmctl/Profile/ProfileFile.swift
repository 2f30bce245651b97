// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// `~/.config/wgm/profiles.toml`, mode 0600.
struct ProfileFile {
    private static let maxBytes = 64 * 1024

    let path: String
    private let folders: [String]

    /// Below `$XDG_CONFIG_HOME`, else `~/.config`; nil when there is neither.
    init?(environment: (String) -> String? = { Environment[$0] }) {
        func folder(_ variable: String) -> String? { environment(variable).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        if let base = folder("XDG_CONFIG_HOME") {
            folders = [base, base + "/wgm"]
        } else if let home = folder("HOME") {
            folders = [home + "/.config", home + "/.config/wgm"]
        } else {
            return nil
        }
        path = (folders.last ?? "") + "/profiles.toml"
    }

    static func required() throws(Failure) -> ProfileFile {
        guard let file = ProfileFile() else {
            throw Failure(.failure, "there is no folder for profiles: neither XDG_CONFIG_HOME nor HOME is set")
        }
        return file
    }

    /// Nothing when there is no file; one that others may change is not believed.
    func read() throws(Failure) -> Profiles {
        let bytes: [UInt8]?
        do {
            let file = try Descriptor(path: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let status = try file.status()
            guard status.isRegularFile, status.isOwnedByMe, status.st_mode & 0o022 == 0 else {
                throw Failure(.failure, "\(path) is not yours alone to change", hint: "chmod 600 \(path)")
            }
            bytes = try file.readAll(limit: Self.maxBytes)
        } catch let failure as Failure {
            throw failure
        } catch let error as SystemError {
            if error.code == ENOENT { return Profiles() }
            throw Failure(.failure, "cannot read \(path): \(error)")
        } catch {
            throw Failure(.failure, "cannot read \(path)")
        }
        guard let text = bytes.flatMap({ String(validating: $0, as: UTF8.self) }) else {
            throw Failure(.failure, "\(path) is not text, or too long")
        }
        do throws(Profiles.Problem) { return try Profiles(parsing: text) } catch {
            throw Failure(.failure, "\(path):\(error.line): this is not what wgmctl profile writes")
        }
    }

    /// Replaces the file at once or not at all.
    func write(_ profiles: Profiles) throws(Failure) {
        for folder in folders where unsafe mkdir(folder, 0o700) != 0 && errno != EEXIST {
            throw Failure(.failure, "cannot make \(folder): \(SystemError.current)")
        }
        let temporary = "\(path).\(getpid())"
        do throws(SystemError) {
            let file = try Descriptor(path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            try file.write(profiles.text)
            try file.sync()
            guard unsafe rename(temporary, path) == 0 else { throw SystemError.current }
        } catch {
            unsafe unlink(temporary)
            throw Failure(.failure, "cannot write \(path): \(error)")
        }
    }
}
