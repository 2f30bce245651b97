// SPDX-License-Identifier: Apache-2.0

internal import CMnl
internal import Glibc
internal import WGMModel

/// A program that runs on its own: new session, no descriptor of ours, no environment but a path.
enum ChildProgram {
    private static let environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LOG_LEVEL=error"]

    /// Starts it without a shell and without `fork`; the result is an error number, or the process.
    static func start(_ path: String, _ arguments: [String]) -> Result<pid_t, StartFailure> {
        var attributes = posix_spawnattr_t()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawn_file_actions_init(&actions)
        defer {
            unsafe posix_spawnattr_destroy(&attributes)
            unsafe posix_spawn_file_actions_destroy(&actions)
        }
        detach(&attributes)
        for descriptor in Int32(0)...2 {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        unsafe posix_spawn_file_actions_addchdir_np(&actions, "/")
        var process: pid_t = 0
        let result = unsafe withCStrings([path] + arguments) { arguments in
            unsafe withCStrings(environment) { environment in
                unsafe posix_spawn(&process, path, &actions, &attributes, arguments, environment)
            }
        }
        return result == 0 ? .success(process) : .failure(StartFailure(errno: result))
    }

    struct StartFailure: Error { let errno: Int32 }

    private static func detach(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        let flags = Int32(WGM_SPAWN_SETSID) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    }

    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
        unsafe list.initialize(repeating: nil, count: strings.count + 1)
        for (index, string) in strings.enumerated() { unsafe list[index] = strdup(string) }
        defer {
            for index in strings.indices { unsafe free(list[index]) }
            unsafe list.deallocate()
        }
        return unsafe body(list)
    }
}
