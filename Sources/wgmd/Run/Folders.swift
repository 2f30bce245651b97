// SPDX-License-Identifier: Apache-2.0

internal import Glibc
import WGMService

/// A folder that wgmd needs before it drops its privileges.
///
/// One that is there and belongs to somebody else is an error, never taken over.
struct Folder {
    let path: String
    let mode: mode_t
    let owner: UInt32
    let group: UInt32

    func prepare() throws(StartError) {
        if unsafe mkdir(path, 0o700) == 0 {
            guard unsafe chown(path, owner, group) == 0, unsafe chmod(path, mode) == 0 else {
                throw .system("cannot set the owner of \(path)")
            }
        } else if errno != EEXIST {
            throw .system("cannot make the folder \(path)", cure: "make its parent folder first")
        }
        try check()
    }

    private func check() throws(StartError) {
        guard let found = FileSystem.folder(at: path) else { throw .system("cannot look at \(path)") }
        guard found.isFolder else { throw StartError("\(path) is not a folder; move it away") }
        guard found.owner == owner else {
            throw StartError(
                "the folder \(path) belongs to user \(found.owner), not \(owner); name a folder that wgm may make itself, "
                    + "or look whether wgmd runs as a unit already: systemctl status wgmd"
            )
        }
    }
}

/// Keeps a second wgmd from the same state; released by the kernel when the process ends, however it ends.
final class StateLock {
    private let descriptor: Int32

    init(folder: String) throws(StartError) {
        let path = folder + "/lock"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system("cannot open \(path)") }
        giveToOwner(of: folder)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StartError("another wgmd runs on \(folder); stop it first, or give this one a `state` of its own")
        }
    }

    /// What root makes in a folder of somebody else must not keep him out later.
    private func giveToOwner(of folder: String) {
        var (parent, own) = (stat(), stat())
        guard unsafe stat(folder, &parent) == 0, unsafe fstat(descriptor, &own) == 0 else { return }
        guard own.st_uid == 0, parent.st_uid != 0, own.st_nlink == 1, own.st_mode & S_IFMT == S_IFREG else { return }
        _ = fchown(descriptor, parent.st_uid, parent.st_gid)
    }

    deinit { close(descriptor) }
}
