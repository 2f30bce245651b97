// SPDX-License-Identifier: Apache-2.0

internal import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())
guard let program = arguments.first, program.hasPrefix("/") else {
    say("usage: wgmd-cluster /usr/lib/postgresql/15/bin/postgres ARGUMENT ...; started by wgmd, not by hand")
    exit(64)
}
var minder = ClusterMinder(command: arguments)
exit(minder.run())
