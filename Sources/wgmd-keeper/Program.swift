// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeeper

/// The privileged half of wgmd.
@main
enum Program {
    static func main() {
        do throws(StartError) {
            switch try Command(arguments: CommandLine.arguments.dropFirst()) {
            case .help: print(Options.help)
            case .version: print("wgmd-keeper \(KeeperVersion.current)")
            case .run(let options): try Start.run(options)
            }
        } catch {
            complain(error.text)
            exit(error.exitCode)
        }
    }
}
