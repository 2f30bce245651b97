// SPDX-License-Identifier: Apache-2.0

internal import Glibc
import Logging
import TOMLKit
import WGMModel

/// Reads TOML into a `Configuration` and finds everything that is wrong, not the first thing only.
struct ConfigurationFile {
    private let path: String
    private let lines: [Substring]
    private var problems: [ConfigurationError.Problem] = []
    var configuration: Configuration

    static let defaultPath = "/etc/wgm/wgmd.toml"

    /// Reads the file, or the default one; a default one that is not there stands for all defaults.
    static func load(_ path: String?) throws(ConfigurationError) -> Configuration {
        let file = path ?? defaultPath
        guard unsafe path != nil || access(file, F_OK) == 0 else { return Configuration(node: hostName()) }
        return try parse(try text(of: file), path: file, hostName: hostName())
    }

    private static let maxBytes = 1 << 20

    private static func text(of file: String) throws(ConfigurationError) -> String {
        let failure = { (message: String) in
            ConfigurationError(path: file, problems: [.init(line: nil, message: message)])
        }
        let unreadable = { () in failure("cannot be read: \(unsafe String(cString: strerror(errno)))") }
        // Not waiting for a writer, should it be a pipe.
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw unreadable() }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable() }
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure(Self.refusal(ofType: status.st_mode)) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= maxBytes {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            guard count >= 0 || errno == EINTR else { throw unreadable() }
            if count == 0 { break }
            bytes += chunk.prefix(max(count, 0))
        }
        guard bytes.count <= maxBytes else { throw failure("is longer than \(maxBytes) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("is not text in UTF-8") }
        return text
    }

    /// An empty pipe would read as an empty configuration, which is a good one.
    private static func refusal(ofType mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "is a folder, not a file"
        case S_IFIFO: "is a pipe: write the configuration to a regular file"
        default: "is not a regular file"
        }
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "gateway" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return ObjectName(name) == nil ? "gateway" : name
    }

    /// Reads a configuration whose `node` is the host's name unless the text says another.
    static func parse(_ text: String, path: String, hostName: String) throws(ConfigurationError) -> Configuration {
        // TOMLKit hands strings over as C does: what stands behind a NUL would be lost without a word.
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if let index = lines.firstIndex(where: {
            $0.utf8.contains(0) || $0.contains("\\u0000") || $0.contains("\\U00000000")
        }) {
            throw ConfigurationError(path: path, problems: [.init(line: index + 1, message: "NUL is not allowed")])
        }
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let isWord = error.description.contains("could not determine value type")
            let message = error.description + (isWord ? "; text stands in quotes" : "")
            let problem = ConfigurationError.Problem(line: error.source.begin.line, message: message)
            throw ConfigurationError(path: path, problems: [problem])
        } catch {
            throw ConfigurationError(path: path, problems: [.init(line: nil, message: "not TOML")])
        }
        var file = ConfigurationFile(path: path, text: text, hostName: hostName)
        for key in table.keys.sorted() {
            if let value = table[key] { file.set(key, to: value) }
        }
        file.checkTogether()
        guard file.problems.isEmpty else {
            let problems = file.problems.sorted { ($0.line ?? .max) < ($1.line ?? .max) }
            throw ConfigurationError(path: path, problems: problems)
        }
        return file.configuration
    }

    private init(path: String, text: String, hostName: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        configuration = Configuration(node: hostName)
    }

    private mutating func set(_ key: String, to value: any TOMLValueConvertible) {
        if key == "tls" {
            guard let table = value.table else { return report("tls", "`tls` must be a table: a line [tls] begins it") }
            return setTLS(table)
        }
        if key == "limits" {
            guard let table = value.table else {
                return report("limits", "`limits` must be a table: a line [limits] begins it")
            }
            return setLimits(table)
        }
        if let table = Self.table(of: key) {
            return report(key, "`\(key)` belongs below a line [\(table)]")
        }
        guard let text = value.string else {
            report(key, "`\(key)` must be a string in quotes")
            return
        }
        switch key {
        case "node": assign(key, text, \.node)
        case "state": path(key, text, \.state)
        case "socket": path(key, text, \.socket)
        case "socket_group": name(key, text, \.socketGroup)
        case "database": database(text)
        case "user": name(key, text, \.user)
        case "keeper_user": name(key, text, \.keeperUser)
        case "postgres_user": name(key, text, \.postgresUser)
        case "userspace_program":
            if text.isEmpty {
                configuration.userspaceProgram = nil
            } else {
                optionalPath(key, text, \.userspaceProgram)
            }
        case "keeper_program": optionalPath(key, text, \.keeperProgram)
        case "keeper_socket": optionalPath(key, text, \.keeperSocket)
        case "database_socket": optionalPath(key, text, \.databaseSocket)
        case "log_level": logLevel(text)
        default:
            let known = Self.keys.joined(separator: ", ")
            report(key, "unknown key `\(key)`; the keys are \(known)")
        }
    }

    static let keys = [
        "node", "state", "socket", "socket_group", "database", "user", "keeper_user", "postgres_user",
        "userspace_program", "keeper_program", "keeper_socket", "database_socket", "log_level", "[tls]", "[limits]",
    ]

    private mutating func assign(_ key: String, _ text: String, _ property: WritableKeyPath<Configuration, String>) {
        guard ObjectName(text) != nil else { return report(key, "`\(key)` must be \(ObjectName.rule)") }
        configuration[keyPath: property] = text
    }

    private mutating func path(_ key: String, _ text: String, _ property: WritableKeyPath<Configuration, String>) {
        guard isPath(text) else { return report(key, "`\(key)` must be an absolute path without `..`") }
        configuration[keyPath: property] = text
    }

    private mutating func optionalPath(
        _ key: String,
        _ text: String,
        _ property: WritableKeyPath<Configuration, String?>
    ) {
        guard isPath(text) else { return report(key, "`\(key)` must be an absolute path without `..`") }
        configuration[keyPath: property] = text
    }

    func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.count > 1 && !text.utf8.contains(0) && !text.split(separator: "/").contains("..")
    }

    private mutating func name(_ key: String, _ text: String, _ property: WritableKeyPath<Configuration, String>) {
        guard (1...32).contains(text.utf8.count), ObjectName(text) != nil else {
            return report(key, "`\(key)` must be the name of a Unix user or group")
        }
        configuration[keyPath: property] = text
    }

    /// Where a key belongs that does not stand by itself.
    private static func table(of key: String) -> String? {
        if keys.contains(key) { return nil }
        if LimitKey.all.contains(where: { $0.name == key }) { return "limits" }
        return tlsKeys.contains(key) ? "tls" : nil
    }

    private mutating func database(_ text: String) {
        if text == "embedded" {
            configuration.database = .embedded
        } else if text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") {
            configuration.database = .external(uri: text)
        } else {
            report("database", "`database` must be \"embedded\" or a URI that starts with postgresql://")
        }
    }

    private mutating func logLevel(_ text: String) {
        guard let level = Logger.Level(rawValue: text) else {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            return report("log_level", "`log_level` must be one of \(levels)")
        }
        configuration.logLevel = level
    }

    /// A Unix socket's path has room for 107 bytes; the cluster's socket adds 20 to its folder.
    private mutating func checkTogether() {
        if configuration.socket.utf8.count > 107 {
            report("socket", "`socket` must have at most 107 bytes, the system's limit for Unix sockets")
        } else if configuration.database == .embedded, configuration.clusterSocketFolder.utf8.count > 87 {
            let (key, limit) = configuration.databaseSocket == nil ? ("socket", 78) : ("database_socket", 87)
            report(
                key,
                "the folder of `\(key)` must have at most \(limit) bytes, so that PostgreSQL's socket fits below it"
            )
        }
        if let socket = configuration.keeperSocket, socket.utf8.count > 107 {
            report("keeper_socket", "`keeper_socket` must have at most 107 bytes, the system's limit for Unix sockets")
        }
    }

    mutating func report(_ key: String, _ message: String) {
        problems.append(.init(line: line(of: key), message: message))
    }

    /// TOMLKit tells no positions of values, so look for the line that starts with the key; of a table, `table.key`, behind
    /// the table's.
    private func line(of key: String) -> Int? {
        let names = key.split(separator: ".")
        guard names.count == 2 else { return line(of: Substring(key), from: 0) }
        let table = line(of: names[0], from: 0)
        return line(of: names[1], from: table ?? 0) ?? table
    }

    private func line(of key: Substring, from start: Int) -> Int? {
        let index = lines[start...].firstIndex { line in
            let trimmed = line.drop { $0 == " " || $0 == "\t" || $0 == "\"" || $0 == "[" }
            guard trimmed.hasPrefix(key) else { return false }
            // `connections_per_user` is another key than `connections`.
            return trimmed.dropFirst(key.count).first.map { !$0.isLetter && !$0.isNumber && !"_-".contains($0) } ?? true
        }
        return index.map { $0 + 1 }
    }
}
