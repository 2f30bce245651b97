// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
internal import Glibc

/// `wgmd certificate`, which is a program of its own: the daemon need not hold what makes certificates.
struct CertificateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Make a private authority and certificates for the TLS port, for those who have none.",
        discussion: "`wgmd certificate --help` says more."
    )

    @Argument(parsing: .captureForPassthrough)
    var arguments: [String] = []

    /// Becomes the other program, and returns only if that fails.
    func run() throws {
        let program = try Program.path("wgmd-certificate")
        var argv = unsafe ([program] + arguments).map { unsafe strdup($0) }
        unsafe argv.append(nil)
        unsafe execv(program, &argv)
        throw StartError.system("cannot start \(program)")
    }
}
