// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMConfigFile
internal import WGMKeys
internal import WGMModel

/// A wg-quick file that was read and understood; its keys stay in locked memory.
struct ImportSource: ~Copyable {
    /// Of several thousand peers; a request has no room for more.
    static let maxBytes = 4 << 20
    let path: String
    let interface: InterfaceName
    let file: ConfigurationFile
    private let text: SecretText

    /// `-` is standard input, which has no name of its own.
    init(path: String, name: String?, warn: (String) -> Void) throws {
        let shown = path == "-" ? "standard input" : path
        let interface = try Self.interfaceName(path, name)
        let text = try Self.read(path, warn)
        let file = try Self.parse(text, shown)
        self.init(path: shown, interface: interface, file: file, text: text)
    }

    private init(path: String, interface: InterfaceName, file: ConfigurationFile, text: consuming SecretText) {
        self.path = path
        self.interface = interface
        self.file = file
        self.text = text
    }

    /// The file's name without `.conf`, as wg-quick takes it.
    private static func interfaceName(_ path: String, _ name: String?) throws(Failure) -> InterfaceName {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        let stem = last.hasSuffix(".conf") ? String(last.dropLast(5)) : last
        if name == nil, !last.hasSuffix(".conf") {
            throw Failure(
                .usage,
                "\(path) does not end with .conf",
                hint: "--name NAME says what the interface is called"
            )
        }
        guard let interface = InterfaceName(name ?? stem) else {
            throw Failure(
                .usage,
                "\"\(name ?? stem)\" is no name of an interface: \(InterfaceName.rule)",
                hint: "--name NAME says what the interface is called"
            )
        }
        return interface
    }

    private static func read(_ path: String, _ warn: (String) -> Void) throws(Failure) -> SecretText {
        do {
            let file = try open(path)
            let status = try file.status()
            if path != "-" {
                guard !status.isFolder else { throw Failure(.failure, "\(path) is a folder, not a file") }
                guard status.isRegularFile else { throw Failure(.failure, "\(path) is no regular file") }
                if status.isOpenToOthers { warn("\(path) holds keys and can be read by others; chmod 600 it") }
            }
            let size = status.isRegularFile ? Int(status.st_size) : maxBytes
            guard size <= maxBytes else { throw tooLarge(path) }
            return try contents(file, size, path)
        } catch let error as SystemError {
            let why = error.code == ELOOP ? "it is a symbolic link: name the file itself" : "\(error)"
            throw Failure(.failure, "cannot read \(path): \(why)")
        } catch let error as KeyError {
            throw Failure(error)
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(.failure, "cannot read \(path)")
        }
    }

    private static func open(_ path: String) throws(SystemError) -> Descriptor {
        // A pipe or device must not hold the program up before it is known for one.
        try path == "-"
            ? Descriptor(number: dup(STDIN_FILENO))
            : Descriptor(path: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    }

    private static func tooLarge(_ path: String) -> Failure {
        Failure(
            .failure,
            "\(path) is larger than \(maxBytes >> 20) MiB",
            hint: "start it with wg-quick and import what runs: wgmctl import --kernel NAME"
        )
    }

    private static func contents(_ file: borrowing Descriptor, _ size: Int, _ path: String) throws -> SecretText {
        // One more, to see that there is no more.
        var text = try SecretText(capacity: size + 1)
        let number = file.number
        while text.room > 0 {
            let before = text.byteCount
            try unsafe text.fill { (free) throws(SystemError) in
                while true {
                    let count = unsafe Glibc.read(number, free.baseAddress, free.count)
                    if count >= 0 { return count }
                    guard errno == EINTR else { throw SystemError.current }
                }
            }
            if text.byteCount == before { return text }
        }
        throw tooLarge(path)
    }

    private static func parse(_ text: borrowing SecretText, _ path: String) throws(Failure) -> ConfigurationFile {
        do throws(ConfigurationMistakes) {
            return try unsafe text.withUnsafeBytes { (bytes) throws(ConfigurationMistakes) in
                unsafe try ConfigurationParser.parse(bytes.assumingMemoryBound(to: UInt8.self).span)
            }
        } catch {
            throw Failure(path, error)
        }
    }

    /// The private key; nil when the file has none.
    borrowing func privateKey() throws(Failure) -> PrivateKey? {
        guard let place = file.interface.privateKey?.value else { return nil }
        do throws(KeyError) { return try PrivateKey(base64: keyText(place)) } catch { throw Failure(error) }
    }

    borrowing func presharedKey(_ place: SecretPlace) throws(Failure) -> PresharedKey {
        do throws(KeyError) { return try PresharedKey(base64: keyText(place)) } catch { throw Failure(error) }
    }

    /// The characters of a key, without white space between them.
    private borrowing func keyText(_ place: SecretPlace) throws(KeyError) -> SecretText {
        try unsafe text.withUnsafeBytes { (bytes) throws(KeyError) in
            var key = try SecretText(capacity: place.byteCount)
            for offset in place.range where unsafe bytes[offset] > 0x20 {
                try unsafe key.append(UnsafeRawBufferPointer(rebasing: bytes[offset...offset]))
            }
            return key
        }
    }
}

extension Failure {
    /// Every mistake of a file, with its place.
    init(_ path: String, _ mistakes: ConfigurationMistakes) {
        var violations = mistakes.findings.map { Violation(field: "\(path): \($0.place)", rule: "\($0.matter)") }
        if mistakes.leftOut > 0 { violations.append(.init(field: path, rule: "\(mistakes.leftOut) more mistakes")) }
        let count = mistakes.findings.count + mistakes.leftOut
        self.init(
            .invalidArgument,
            "\(path) has \(count == 1 ? "a mistake" : "\(count) mistakes"), nothing was imported",
            violations: violations
        )
    }
}
