// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Why a socket cannot be listened on.
public enum ListenError: Error, Hashable, Sendable, CustomStringConvertible {
    case pathTooLong(String)
    /// Something is there that is no socket; it is left alone.
    case notASocket(String)
    /// Another process listens there, or is about to.
    case inUse(String)
    /// An inherited descriptor is no Unix stream socket.
    case notAUnixSocket(descriptor: Int32)
    /// An inherited descriptor is no TCP socket.
    case notATCPSocket(descriptor: Int32)
    case system(call: String, path: String, errno: Int32)
    case engine(String)

    public var description: String {
        switch self {
        case .pathTooLong(let path): "the path of a socket has at most 107 bytes: \(path)"
        case .notASocket(let path): "\(path) exists and is not a socket; it is left alone"
        case .inUse(let path): "another process listens on \(path)"
        case .notAUnixSocket(let descriptor): "descriptor \(descriptor) is not a Unix stream socket"
        case .notATCPSocket(let descriptor): "descriptor \(descriptor) is not a TCP socket"
        case .system(let call, let path, let number): "\(call) \(path): \(unsafe String(cString: strerror(number)))"
        case .engine(let words): words
        }
    }
}

/// Who may open a socket's path.
public struct SocketAccess: Sendable {
    /// Permission bits, such as 0o660.
    public var mode: UInt32
    /// The group that the socket is given to; nil leaves it as it is.
    public var group: UInt32?

    public init(mode: UInt32 = 0o660, group: UInt32? = nil) {
        self.mode = mode
        self.group = group
    }
}

/// A socket bound to a path, removed from there when this goes out of scope.
///
/// A lock beside it (`.lock`) makes sure that of two processes that start at the same time one gets the path.
final class UnixListener: Sendable {
    let path: String
    private let lock: Int32
    private let inode: UInt64

    /// Binds and does not listen yet: until then nobody can connect, whatever the mode.
    ///
    /// The descriptor is the caller's.
    static func bind(path: String, access: SocketAccess) throws(ListenError) -> (UnixListener, descriptor: Int32) {
        let lock = try takeLock(path)
        var descriptor: Int32 = -1
        do throws(ListenError) {
            try removeStale(path)
            descriptor = try makeSocket(path)
            guard unsafe chmod(path, access.mode) == 0 else { throw .system(call: "chmod", path: path, errno: errno) }
            if let group = access.group, unsafe chown(path, .max, group) != 0 {
                throw .system(call: "chown", path: path, errno: errno)
            }
            guard let inode = Self.inode(of: path) else { throw .system(call: "stat", path: path, errno: errno) }
            return (UnixListener(path: path, lock: lock, inode: inode), descriptor)
        } catch {
            if descriptor >= 0 { close(descriptor) }
            close(lock)
            throw error
        }
    }

    private init(path: String, lock: Int32, inode: UInt64) {
        self.path = path
        self.lock = lock
        self.inode = inode
    }

    deinit {
        if Self.inode(of: path) == inode { unsafe unlink(path) }
        close(lock)
    }

    private static func takeLock(_ path: String) throws(ListenError) -> Int32 {
        let lock = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw .system(call: "open", path: path + ".lock", errno: errno) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw .inUse(path)
        }
        return lock
    }

    /// Removes a socket that nobody answers on; anything else stays and is an error.
    private static func removeStale(_ path: String) throws(ListenError) {
        var information = stat()
        guard unsafe lstat(path, &information) == 0 else {
            if errno == ENOENT { return }
            throw .system(call: "lstat", path: path, errno: errno)
        }
        guard information.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw .system(call: "socket", path: path, errno: errno) }
        defer { close(probe) }
        let answer = try unsafe withAddress(path) { unsafe connect(probe, $0, $1) }
        guard answer != 0, errno == ECONNREFUSED else { throw .inUse(path) }
        guard unsafe unlink(path) == 0 else { throw .system(call: "unlink", path: path, errno: errno) }
    }

    private static func makeSocket(_ path: String) throws(ListenError) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", path: path, errno: errno) }
        let result = try unsafe withAddress(path) { unsafe Glibc.bind(descriptor, $0, $1) }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            throw .system(call: "bind", path: path, errno: number)
        }
        return descriptor
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(ListenError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .pathTooLong(path) }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func inode(of path: String) -> UInt64? {
        var information = stat()
        return unsafe lstat(path, &information) == 0 ? UInt64(information.st_ino) : nil
    }

    /// True for a descriptor that systemd or a test has bound already.
    static func isUnixStream(_ descriptor: Int32) -> Bool {
        option(descriptor, SO_DOMAIN) == AF_UNIX && option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    }

    /// The same for a port.
    static func isTCP(_ descriptor: Int32) -> Bool {
        [AF_INET, AF_INET6].contains(option(descriptor, SO_DOMAIN))
            && option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    }

    private static func option(_ descriptor: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
}
