// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc
internal import WGMKeys

/// Where a configuration goes: a file, a QR code, both, or standard output.
struct DeliveryOptions: ParsableArguments {
    @Option(help: .init("Write the peer's wg-quick file: new, mode 0600.", valueName: "file"), completion: .file())
    var config: String?

    @Flag(name: .customLong("qr"), help: "Show the peer's configuration as a QR code for a phone.")
    var qr = false

    func validate() throws {
        guard config != "-" else {
            throw ValidationError("--config names a new file; without it the configuration goes to standard output")
        }
    }

    /// True when standard output is taken by a configuration.
    var usesStandardOutput: Bool { qr || config == nil }
}

/// A configuration on its way out; a file is there, or known to be impossible, before the daemon is asked for anything.
struct Delivery: ~Copyable {
    private var file: NewPrivateFile?
    private let options: DeliveryOptions
    private let styled: Bool

    init(_ options: DeliveryOptions, styled: Bool) throws(Failure) {
        if let path = options.config { file = try NewPrivateFile(path: path) } else { file = nil }
        self.options = options
        self.styled = styled
    }

    /// Puts the key alone into the file, in case that nothing more ever comes.
    mutating func reserve(_ text: borrowing SecretText) throws(Failure) { try file?.write(text) }

    /// Leaves the file as it is, for a person to sort out.
    mutating func keepFile() { file?.keep() }

    mutating func deliver(
        _ configuration: PeerConfiguration,
        _ key: borrowing KeyLine,
        _ presharedKey: borrowing PresharedLine
    ) throws {
        let text = try configuration.text(key, presharedKey)
        try file?.write(text)
        file?.keep()
        if options.qr {
            let code = try QRCode(configuration.text(key, presharedKey, commented: false))
            try Console.write(raw: code.text(styled: styled))
        } else if options.config == nil {
            try Self.show(text)
        }
        if configuration.gatewayEndpoint == nil {
            Console.warn("the interface has no endpoint, so the peer does not know where to dial")
        }
    }

    /// Writes secret text to standard output without a copy of it.
    static func show(_ text: borrowing SecretText) throws {
        try unsafe text.withUnsafeBytes { bytes in try unsafe Console.writeAll(bytes, to: STDOUT_FILENO) }
    }
}
