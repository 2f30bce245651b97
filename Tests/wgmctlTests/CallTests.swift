// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import WGMWire

@testable import wgmctl

@Suite("JSON of messages")
struct MessageJSONTests {
    private func request<Q: WireMessage>(_ text: String, as type: Q.Type = Q.self) throws -> Q {
        try CallCommand.read(text)
    }

    /// What `wgmctl call` says about a request; nil when it is taken.
    private func complaint<Q: WireMessage>(_ text: String, _ type: Q.Type) -> String? {
        do {
            let _: Q = try CallCommand.read(text)
            return nil
        } catch {
            return "\(Program.failure(error)?.message ?? "\(error)")"
        }
    }

    @Test("Fields go by both of their names, null is absent, numbers may be texts")
    func names() throws {
        let camel: V1.CreatePeersRequest = try request(
            """
            {"interface": "wg0", "peers": [{"name": "a", "publicKey": "k", "keepaliveS": "25", "endpoint": null,
              "addresses": ["10.0.0.2", "fd00::2"], "ipv6Only": true}]}
            """
        )
        var peer = V1.NewPeer(name: "a", publicKey: "k", addresses: ["10.0.0.2", "fd00::2"])
        peer.ipv6Only = true
        peer.keepaliveS = 25
        #expect(camel == V1.CreatePeersRequest(interface: "wg0", peers: [peer]))
        let snake: V1.CreatePeersRequest = try request(
            #"{"interface":"wg0","peers":[{"name":"a","public_key":"k","keepalive_s":25,"#
                + #""addresses":["10.0.0.2","fd00::2"],"ipv6_only":true}]}"#
        )
        #expect(snake == camel)
    }

    @Test("Every message of the schema survives the way to JSON and back")
    func roundTrip() throws {
        for type in V1.messages { try roundTrip(type) }
    }

    private func roundTrip<M: WireMessage>(_ type: M.Type) throws {
        let schema = try #require(MessageType(of: type))
        let bytes = Full.bytes(of: schema, depth: 0)
        let message = try M(serialized: bytes)
        let json = MessageToJSON.document(message.serialized(), as: schema).json
        let again: M = try request(json)
        #expect(again == message, "\(json)")
        #expect(schema.fields.isEmpty || json.contains(":"))
    }

    @Test("64-bit numbers are texts, bytes are base64, enums are names or numbers")
    func forms() throws {
        let records = MessageToJSON.document(
            V1.AuditRecord(sequence: .max, code: 7).serialized(),
            as: try #require(MessageType(of: V1.AuditRecord.self))
        )
        #expect(records == .object(["sequence": .text("9223372036854775807"), "code": .number(7)]))
        let pair: V1.MetadataPair = try request(#"{"key": "k", "value": "AP8B"}"#)
        #expect(pair.value == [0, 255, 1])
        let urlSafe: V1.MetadataPair = try request(#"{"value": "_-8"}"#)
        #expect(urlSafe.value == [255, 239])
        let named: V1.CreateInterfaceRequest = try request(#"{"backend": "INTERFACE_BACKEND_KERNEL"}"#)
        let numbered: V1.CreateInterfaceRequest = try request(#"{"backend": 1}"#)
        #expect(named.backend == numbered.backend && named.backend == .kernel)
    }

    @Test(
        "A mistake names the field, and what would be right",
        arguments: [
            (#"{"nmae": "a"}"#, "wgm.v1.CreatePeersRequest has no field \"nmae\"; it has interface, peers"),
            (
                #"{"peers": [{"name": "a"}, {"pubkey": "k"}]}"#,
                "peers[1]: wgm.v1.NewPeer has no field \"pubkey\"; it has name, publicKey, addresses, allowedAddresses, "
                    + "ipv6Only, endpoint, keepaliveS, comment, disabled, presharedKey, "
                    + "validFromUnixMs, validUntilUnixMs"
            ),
            (#"{"interface": 5}"#, "interface: must be a text, not a number"),
            (#"{"peers": {}}"#, "peers: must be a list, not an object"),
            (#"{"peers": [7]}"#, "peers[0]: must be an object, not a number"),
            (#"{"peers": [{"keepaliveS": -1}]}"#, "peers[0].keepaliveS: -1 is not a whole number from 0 to 4294967295"),
            (
                #"{"peers": [{"keepaliveS": 1.5}]}"#,
                "peers[0].keepaliveS: 1.5 is not a whole number from 0 to 4294967295"
            ),
            (#"{"peers": [{"disabled": "yes"}]}"#, "peers[0].disabled: must be true or false, not a text"),
            (#"{"peers": [{"publicKey": "a", "public_key": "b"}]}"#, "peers[0].public_key: the field is there twice"),
            (#"{"interface": "a\u0000b"}"#, "interface: a text must not contain U+0000"),
            ("[]", "the message: must be an object, not a list"),
            ("{\"interface\": \"a\",\n \"peers\" []}", "the request is no JSON: line 2, column 10: expected :"),
            (#"{"a": 1, "a": 2}"#, "the request is no JSON: line 1, column 13: \"a\" is there twice"),
            ("", "the request is no JSON: line 1, column 1: a value is missing"),
            ("{} x", "the request is no JSON: line 1, column 4: something stands behind the value"),
            (#"{"interface": "\ud800"}"#, "the request is no JSON: line 1, column 22: half of a surrogate pair"),
            (#"{"interface": 01}"#, "the request is no JSON: line 1, column 15: no number is written like this"),
            (
                String(repeating: "[", count: 100),
                "the request is no JSON: line 1, column 33: nested too deeply"
            ),
        ]
    )
    func mistakes(text: String, words: String) {
        #expect(complaint(text, V1.CreatePeersRequest.self) == words)
    }

    @Test("An enum that is none lists those that there are")
    func wrongEnum() {
        let words = complaint(#"{"backend": "QUANTUM"}"#, V1.CreateInterfaceRequest.self)
        #expect(words?.hasPrefix("backend: must be one of INTERFACE_BACKEND_") == true)
    }

    @Test("Escapes of JSON are read")
    func escapes() throws {
        let request: V1.GetPeerRequest = try request(#"{"name": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#)
        #expect(request.name == "\"\\/\u{8}\u{c}\n\r\té😀")
    }
}

/// Messages with all their fields.
private enum Full {
    static func bytes(of type: MessageType, depth: Int) -> [UInt8] {
        type.fields.flatMap { field in
            (0..<(field.isRepeated ? 2 : 1)).flatMap { index in
                varint(field.number << 3 | field.kind.wireForm.rawValue) + value(of: field.kind, index, depth)
            }
        }
    }

    private static func value(of kind: MessageType.Kind, _ index: Int, _ depth: Int) -> [UInt8] {
        switch kind {
        case .bool: [1]
        case .number(let kind): kind.form == .fixed ? Array(repeating: 7, count: kind.bits / 8) : varint(300)
        case .text: delimited(Array("é\n\(index)".utf8))
        case .bytes: delimited([0, 255, UInt8(index)])
        case .enumeration(let values): varint(UInt64(values.last?.number ?? 0))
        case .message(let type): delimited(bytes(of: type, depth: depth + 1))
        }
    }

    private static func delimited(_ bytes: [UInt8]) -> [UInt8] { varint(UInt64(bytes.count)) + bytes }

    private static func varint(_ value: UInt64) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(truncatingIfNeeded: value) | 0x80] + varint(value >> 7)
    }
}

@Suite("Program: any method")
struct CallCommandTests {
    @Test("call sends JSON and prints JSON")
    func call() throws {
        let scene = try Scene { _ in .reply(V1.GetPeerResponse(peer: Samples.anna)) }
        let run = try scene.run("call", "peers/get", #"{"interface": "wg0", "name": "anna"}"#)
        #expect(run.status == 0, "\(run.errors)")
        let sent = try #require(scene.server.calls.last)
        #expect(sent.method == "wgm.v1.Peers/Get")
        #expect(try V1.GetPeerRequest(serialized: sent.message) == V1.GetPeerRequest(interface: "wg0", name: "anna"))
        let reply = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let peer = try #require(reply["peer"] as? [String: Any])
        #expect(peer["publicKey"] as? String == Samples.anna.publicKey)
    }

    @Test("- reads the request from standard input")
    func standardInput() throws {
        let scene = try Scene { _ in .reply(V1.ListPeersResponse()) }
        let run = try scene.run("call", "Peers/List", "-", input: "{\"pageSize\": 3}\n")
        #expect(run.status == 0, "\(run.errors)")
        let sent = try #require(scene.server.calls.last?.message)
        #expect(try V1.ListPeersRequest(serialized: sent).pageSize == 3)
    }

    @Test("A change has an idempotency key, the one that is given if there is one")
    func key() throws {
        let scene = try Scene { _ in .reply(V1.DeletePeerResponse(revision: 3)) }
        let json = #"{"interface":"wg0","name":"anna"}"#
        #expect(try scene.run("call", "Peers/Delete", json).output == "{\n  \"revision\": \"3\"\n}\n")
        let key = "000102030405060708090a0b0c0d0e0f"
        #expect(try scene.run("call", "Peers/Delete", json, "--idempotency-key", key).status == 0)
        let keys = scene.server.calls.filter { $0.method.hasSuffix("Delete") }.map(\.idempotencyKey)
        #expect(keys.count == 2 && keys[0]?.count == 16 && keys[0] != keys[1])
        #expect(keys.last == Array(0..<16))
        #expect(try scene.run("call", "Peers/Get", "--idempotency-key", key).status == ExitStatus.usage.rawValue)
        #expect(
            try scene.run("call", "Peers/Delete", json, "--idempotency-key", "12").status == ExitStatus.usage.rawValue
        )
    }

    @Test("A change that may have run says with which key to repeat it")
    func mayHaveRun() throws {
        let scene = try Scene { _ in .hangUp }
        let run = try scene.run("call", "Peers/Delete", #"{"interface":"wg0","name":"anna"}"#)
        #expect(run.status == ExitStatus.unavailable.rawValue)
        let key = try #require(scene.server.calls.last?.idempotencyKey)
        let digits = key.map { String(format: "%02x", $0) }.joined()
        #expect(run.errors.contains("--idempotency-key \(digits)"), "\(run.errors)")
    }

    @Test("A refused field keeps the name that it has in the request")
    func refused() throws {
        let scene = try Scene { _ in .failure(.invalidArgument(field: "peers[0].public_key", rule: "is no key")) }
        let run = try scene.run("call", "Peers/Create", #"{"interface":"wg0"}"#)
        #expect(run.status == ExitStatus.invalidArgument.rawValue)
        #expect(run.errors.contains("peers[0].public_key: is no key"), "\(run.errors)")
    }

    @Test("An unknown method is a mistake on the command line")
    func unknown() throws {
        let run = try Run.program([Here.program(), "call", "Peers/Conjure"])
        #expect(run.status == ExitStatus.usage.rawValue)
        #expect(run.errors.contains("Peers/Conjure"))
    }

    @Test("methods lists every method with what it needs")
    func methods() throws {
        let run = try Run.program([Here.program(), "methods", "--json"])
        let list = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]])
        #expect(list.compactMap { $0["method"] as? String } == V1.methods.map(\.name))
        let create = try #require(list.first { $0["method"] as? String == "wgm.v1.Peers/Create" })
        #expect(create["mutation"] as? Bool == true)
        #expect(create["request"] as? String == "wgm.v1.CreatePeersRequest")
        let table = try Run.program([Here.program(), "methods"]).output
        #expect(V1.methods.allSatisfy { table.contains($0.permission) })
    }

    @Test("methods NAME shows the fields of the request and the reply, those within others too")
    func fields() throws {
        let text = try Run.program([Here.program(), "methods", "Peers/Create"]).output
        for field in ["interface", "publicKey", "repeated wgm.v1.NewPeer", "revision", "int64"] {
            #expect(text.contains(field), "\(field)")
        }
        let json = try Run.program([Here.program(), "methods", "Peers/Create", "-o", "json"]).output
        let method = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let fields = try #require(method["request_fields"] as? [[String: Any]])
        #expect(fields.compactMap { $0["name"] as? String } == ["interface", "peers"])
    }
}
