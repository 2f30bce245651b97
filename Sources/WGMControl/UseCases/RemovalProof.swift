// SPDX-License-Identifier: Apache-2.0

internal import WGMModel
internal import WGMVerify

/// What a dump of the kernel showed after keys were taken away.
///
/// It is a record of its own, with the request's id: that of the call was written together with the change, before the kernel
/// was asked, and records are never changed.
struct RemovalProof {
    let keys: [PublicKey]
    /// nil when there is no link at all.
    let actual: ActualInterface?
    let time: Timestamp
    let revision: Int64

    /// SHA-256 of all peers' public keys, each followed by a line feed, in the order of their bytes as text:
    /// `wg show wg0 peers | LC_ALL=C sort | sha256sum`.
    var hash: String {
        let lines = (actual?.peers.keys.map { Array($0.description.utf8) + [0x0a] } ?? [])
            .sorted { $0.lexicographicallyPrecedes($1) }
        return Hash.sha256(lines.flatMap(\.self)).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    func entry(_ context: CallContext) -> AuditEntry {
        let count = actual?.peers.count ?? 0
        let what = keys.count == 1 ? "the key" : "any of the \(keys.count) keys"
        var entry = context.entry(message: "the kernel was seen without \(what): \(count) peers, sha256 \(hash)")
        entry.method = "wgmd/removal-proof"
        entry.time = time
        let gone = keys.prefix(100).map { "\"\($0)\"" }.joined(separator: ",")
        entry.request =
            #"{"revision":\#(revision),"observed_unix_ms":\#(time.milliseconds),"peers_seen":\#(count),"#
            + #""dump_sha256":"\#(hash)","keys_gone":[\#(gone)]}"#
        return entry
    }
}
