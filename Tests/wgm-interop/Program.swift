// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Glibc
internal import WGMInterop
internal import WGMRPC

/// `wgm-interop server SOCKET`, `wgm-interop client SOCKET [CASE...]`: one side of Tests/interop/CASES.md.
@main
struct Program {
    static func main() async {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "server" where arguments.count == 3: await serve(arguments[2])
        case "client" where arguments.count >= 3: await runCases(arguments[2], Array(arguments.dropFirst(3)))
        default:
            say("usage: wgm-interop server SOCKET | client SOCKET [CASE...]")
            exit(64)
        }
    }

    private static func serve(_ path: String) async {
        let server = Server(host: InteropHost(), agent: "wgm-interop/1")
        do throws(ListenError) { try await server.listen(unixPath: path) } catch {
            say("\(error)")
            exit(1)
        }
        say("listening")
        signal(SIGTERM, SIG_IGN)
        let terminate = DispatchSource.makeSignalSource(signal: SIGTERM)
        let signals = AsyncStream<Void> { continuation in
            terminate.setEventHandler { continuation.yield() }
            terminate.resume()
        }
        for await _ in signals { break }
        terminate.cancel()
        await server.shutdown()
    }

    private static func runCases(_ path: String, _ wanted: [String]) async {
        let client = InteropClient(path: path)
        var failures = 0
        for name in wanted.isEmpty ? InteropClient.names : wanted {
            do {
                try await client.run(name)
                say("ok \(name)")
            } catch {
                failures += 1
                say("failed \(name): \(error)")
            }
        }
        exit(failures == 0 ? 0 : 1)
    }

    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }
}
