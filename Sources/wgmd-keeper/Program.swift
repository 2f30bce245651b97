// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import WGMKeeper
internal import WGMService

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
            // While systemd waits for the next start, its `status` shows no line from before.
            Supervisor().status(error.text)
            exit(error.exitCode)
        }
    }
}
