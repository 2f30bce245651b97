// SPDX-License-Identifier: Apache-2.0
import WGMRPC
import WGMWire

@main struct Talk {
    static func main() async throws {
        let path = CommandLine.arguments.dropFirst().first ?? "/run/wgm/wgmd.sock"
        let client = try await Client.connect(unixPath: path, token: nil, agent: "talk/1")
        let login = try await client.authLogin()
        try await client.authenticate(token: login.token ?? "")
        for peer in try await client.peersList(V1.ListPeersRequest(interface: "wg0")).peers {
            print(peer.name ?? "", peer.addresses.joined(separator: " "))
        }
        for try await event in try await client.eventsWatch(V1.WatchRequest(kinds: [.change], since: 0)) {
            guard let change = event.change else { continue }
            print("revision", change.revision?.number ?? 0, change.objects.map { $0.peer ?? $0.interface ?? "" })
            if change.objects.contains(where: { $0.peer == "alice" }) { break }
        }
        await client.close()
    }
}
