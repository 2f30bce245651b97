// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// The terminal as a screen of its own, without line editing; what was there before comes back in every case.
///
/// There is one at a time. A signal that ends the process restores the terminal from its handler, so the handler uses only
/// what signal-safety(7) allows.
struct Terminal: ~Copyable {
    private static let fatalSignals = [
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGPIPE,
    ]

    /// - Throws: when standard input and output are no terminal.
    init() throws(Failure) {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
            throw Failure(
                .usage,
                "top needs a terminal",
                hint: "wgmctl top --once prints one frame, --json samples, wgmctl watch prints lines"
            )
        }
        guard let type = Environment.nonEmpty("TERM"), type != "dumb" else {
            throw Failure(
                .usage,
                "this terminal cannot move its cursor (TERM)",
                hint: "wgmctl top --once prints one frame"
            )
        }
        guard SavedTerminal.save() else { throw Failure(.failure, "cannot read the terminal: \(SystemError.current)") }
        for number in Self.fatalSignals {
            _ = signal(number) { number in
                SavedTerminal.restore()
                _ = signal(number, SIG_DFL)
                raise(number)
            }
        }
        Self.catchStop()
        _ = signal(SIGCONT) { _ in SavedTerminal.hasContinued.store(true, ordering: .relaxed) }
        SavedTerminal.enter()
    }

    deinit {
        SavedTerminal.restore()
        for number in Self.fatalSignals + [SIGTSTP, SIGCONT] { _ = signal(number, SIG_DFL) }
    }

    /// Ctrl-Z gives the terminal back for as long as the process is stopped.
    private static func catchStop() {
        _ = signal(SIGTSTP) { number in
            SavedTerminal.restore()
            // Where no shell could continue the process, the kernel does not stop it either: it goes on at once.
            SavedTerminal.hasContinued.store(true, ordering: .relaxed)
            _ = signal(number, SIG_DFL)
            raise(number)
        }
    }

    /// True once after the process was stopped and goes on: everything is to be drawn anew.
    func resumed() -> Bool {
        guard SavedTerminal.hasContinued.exchange(false, ordering: .relaxed) else { return false }
        Self.catchStop()
        SavedTerminal.enter()
        return true
    }

    /// Columns and lines.
    var size: (width: Int, height: Int) {
        var window = winsize()
        let isKnown = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0
        guard isKnown, window.ws_col > 0, window.ws_row > 0 else { return (80, 24) }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// What was typed meanwhile; nil when there is nobody any more who could type.
    func typed() -> [UInt8]? {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, 0) > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
        guard count > 0 else { return count < 0 && (errno == EINTR || errno == EAGAIN) ? [] : nil }
        return Array(bytes.prefix(count))
    }

    /// Replaces the whole screen; the lines hold no control codes and fit.
    func draw(_ lines: [String]) throws {
        try Console.write(raw: "\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n") + "\u{1b}[J")
    }

    /// True when characters beyond ASCII can be expected to be shown.
    static var hasUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { Environment.nonEmpty($0) }.first ?? ""
        let name = locale.lowercased()
        return name.contains("utf-8") || name.contains("utf8")
    }
}

/// How the terminal was before; in global memory, because a signal handler has nothing else.
private enum SavedTerminal {
    static let hasContinued = Atomic<Bool>(false)
    private static let isEntered = Atomic<Bool>(false)
    private nonisolated(unsafe) static var before = termios()
    private static let enterCodes: [UInt8] = Array("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J".utf8)
    private static let leaveCodes: [UInt8] = Array("\u{1b}[0m\u{1b}[?25h\u{1b}[?1049l".utf8)

    static func save() -> Bool {
        // What is made when it is first used must not be first used by a handler.
        _ = (hasContinued.load(ordering: .relaxed), leaveCodes.count, isEntered.load(ordering: .relaxed))
        return unsafe tcgetattr(STDIN_FILENO, &before) == 0
    }

    static func enter() {
        var raw = unsafe before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHONL)
        raw.c_oflag &= ~tcflag_t(OPOST)
        unsafe withUnsafeMutableBytes(of: &raw.c_cc) { codes in
            unsafe codes[Int(VMIN)] = 0
            unsafe codes[Int(VTIME)] = 0
        }
        isEntered.store(true, ordering: .relaxed)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        send(enterCodes)
    }

    static func restore() {
        guard isEntered.exchange(false, ordering: .relaxed) else { return }
        send(leaveCodes)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    private static func send(_ codes: [UInt8]) {
        _ = unsafe codes.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}
