// SPDX-License-Identifier: Apache-2.0
import Testing
import WGMWire

@Suite("The tables follow the schema")
struct MessagesTablesTests {
    @Test("every method has exactly one access rule, and a name of its own")
    func access() {
        #expect(V1.methods.count >= 21)
        #expect(Set(V1.methods.map(\.name)).count == V1.methods.count)
        for method in V1.methods {
            let rules = [method.verb != nil, method.isAuthenticatedOnly, method.isAnonymous].filter { $0 }
            #expect(rules.count == 1, "\(method.name)")
            #expect((method.verb == nil) == (method.resource == nil), "\(method.name)")
            #expect(!method.summary.isEmpty)
        }
    }

    @Test("anonymous and unaudited are these methods and no others")
    func exceptions() {
        let anonymous = V1.methods.filter(\.isAnonymous).map(\.name)
        #expect(anonymous == ["wgm.v1.Auth/Login", "wgm.v1.Health/Check", "wgm.v1.Meta/Version"])
        let unaudited = V1.methods.filter { !$0.isAudited }.map(\.name)
        #expect(unaudited == ["wgm.v1.Health/Check", "wgm.v1.Meta/Version"])
        #expect(V1.Peers.create.maxRequestBytes == 1_048_576)
        #expect(V1.Peers.get.maxRequestBytes == 65_536)
        let reading = ["list", "get"]
        for method in V1.methods {
            guard let verb = method.verb else { continue }
            // Shows what an import would do, for those who may do it.
            let isReading = reading.contains(verb) || method.name == V1.Interfaces.planImport.name
            #expect(method.isMutation == !isReading, "\(method.name)")
        }
    }

    @Test("the schema itself is there, options included")
    func schema() {
        let set = V1.fileDescriptorSet
        #expect(set.count > 10_000)
        let text = String(decoding: set, as: UTF8.self)
        #expect(text.contains("node/{node}/interface/{interface}/peer/{peers.name}"))
    }

    @Test("resource paths come from the request")
    func resources() {
        let get = V1.GetPeerRequest(interface: "wg0", name: "zoë")
        #expect(get.resources(node: "gw1") == ["node/gw1/interface/wg0/peer/zoë"])
        #expect(V1.GetPeerRequest(name: "").resources(node: "gw1") == ["node/gw1/interface/*/peer/*"])
        let create = V1.CreatePeersRequest(interface: "wg0", peers: [V1.NewPeer(name: "a"), V1.NewPeer()])
        #expect(create.resources(node: "n") == ["node/n/interface/wg0/peer/a", "node/n/interface/wg0/peer/*"])
        #expect(V1.CreatePeersRequest(interface: "wg0").resources(node: "n") == ["node/n/interface/wg0/peer/*"])
        #expect(V1.ListInterfacesRequest().resources(node: "n") == ["node/n/interface/*"])
        #expect(V1.WhoAmIRequest().resources(node: "n") == [])
    }

    @Test("a name cannot become several segments or a pattern")
    func injection() {
        let request = V1.GetPeerRequest(interface: "wg0/peer/a", name: "**")
        #expect(request.resources(node: "n") == ["node/n/interface/wg0%2Fpeer%2Fa/peer/%2A%2A"])
        #expect(V1.GetInterfaceRequest(name: "%2F").resources(node: "n") == ["node/n/interface/%252F"])
    }
}

@Suite("The audit record shows what the schema says")
struct MessagesAuditTests {
    private func json<M: RequestMessage>(_ message: M) -> String {
        unsafe message.auditJSON { bytes in "\(bytes.count) bytes" }
    }

    @Test("fields marked clear stand as they are, absent fields do not stand")
    func clear() {
        let request = V1.CreateInterfaceRequest(
            name: "wg0",
            backend: .kernel,
            mtu: 1420,
            dns: ["::1", "::2"],
            down: false
        )
        #expect(
            json(request)
                == #"{"name":"wg0","backend":"INTERFACE_BACKEND_KERNEL","mtu":1420,"dns":["::1","::2"],"down":false}"#
        )
        #expect(json(V1.LoginRequest()) == "{}")
        #expect(json(V1.ListAuditRequest(beforeSequence: .min)) == #"{"before_sequence":-9223372036854775808}"#)
    }

    @Test("a field that is not marked is a hash, inside a clear field too")
    func redacted() {
        let peer = V1.NewPeer(name: "zoë", comment: "secret")
        let text = json(V1.CreatePeersRequest(interface: "wg0", peers: [peer]))
        #expect(text == #"{"interface":"wg0","peers":[{"name":"zoë","comment":{"hash":"8 bytes"}}]}"#)
        #expect(V1.auditedFields.contains { $0.message == "wgm.v1.NewPeer" && $0.field == "comment" && !$0.isClear })
        #expect(V1.auditedFields.contains { $0.message == "wgm.v1.NewPeer" && $0.field == "name" && $0.isClear })
    }

    @Test("text is escaped")
    func escaping() {
        let request = V1.GetInterfaceRequest(name: "\"\\\n\r\t\u{1}\u{7F}\u{2028}/é😀")
        #expect(json(request) == #"{"name":"\"\\\n\r\t\u0001\u007f\u2028/é😀"}"#)
    }

    @Test("a long list is cut and says by how much")
    func longList() {
        let peers = (0..<60).map { V1.NewPeer(name: "p\($0)") }
        let text = json(V1.CreatePeersRequest(peers: peers))
        #expect(text.hasSuffix(#"{"name":"p49"},{"…":10}]}"#))
    }

    @Test("a request beyond the size limit is recorded by size and hash")
    func tooLong() {
        let request = V1.GetInterfaceRequest(name: String(repeating: "x", count: 70_000))
        #expect(json(request) == #"{"…":{"bytes":70011,"hash":"70004 bytes"}}"#)
    }
}
