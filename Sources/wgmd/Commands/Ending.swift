// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
internal import Glibc
import WGMControl
import WGMService

/// How wgmd ends when something is wrong: one line per fault with its cause and cure, and a code that tells systemd whether
/// to start it again.
enum Ending {
    /// As in sysexits.h: starting again does not help until somebody has changed something.
    static let needsPerson: Int32 = 78

    /// nil for what ArgumentParser means to say itself: help, versions, usage.
    static func words(for error: any Error) -> (lines: [String], code: Int32)? {
        switch error {
        case let error as ConfigurationError: return (error.lines, needsPerson)
        case let error as StoreFailure: return told(error)
        case let error as StartError: return ([error.description], error.code)
        case is ExitCode, is ValidationError, is CleanExit: return nil
        case let words as any CustomStringConvertible where !isUsage(error): return ([words.description], 1)
        default: return nil
        }
    }

    private static func told(_ failure: StoreFailure) -> (lines: [String], code: Int32) {
        switch failure {
        case .unavailable(let reason), .inDoubt(let reason):
            (["the database cannot be reached: \(reason); start it, or correct `database` in the configuration"], 1)
        case .other(let reason): ([reason], needsPerson)
        default: (["the database refuses: \(failure)"], needsPerson)
        }
    }

    private static func isUsage(_ error: any Error) -> Bool {
        [.validationFailure, .success].contains(WGMD.exitCode(for: error))
    }

    static func finish(_ error: any Error) -> Never {
        guard let (lines, code) = words(for: error) else { WGMD.exit(withError: error) }
        for line in lines { Start.say(line.replacing("\n", with: " ")) }
        // While systemd waits for the next start, its `status` shows no line from before.
        Supervisor().status(lines.joined(separator: "; "))
        exit(code)
    }
}
