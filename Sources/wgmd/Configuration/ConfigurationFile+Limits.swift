// SPDX-License-Identifier: Apache-2.0

import TOMLKit
import WGMWire

extension ConfigurationFile {
    /// The table `[limits]`: each key within its range, and none that makes another meaningless.
    mutating func setLimits(_ table: TOMLTable) {
        var limits = WireLimits()
        for name in table.keys.sorted() {
            guard let key = LimitKey.named(name) else {
                let known = LimitKey.all.map(\.name).joined(separator: ", ")
                report("limits.\(name)", "unknown key `\(name)` in [limits]; the keys are \(known)")
                continue
            }
            guard let value = table[name]?.int, key.range.contains(value) else {
                report("limits.\(name)", "`\(name)` must be \(key.rule)")
                continue
            }
            key.set(value, in: &limits)
        }
        configuration.limits = limits
        for (lower, upper, reason) in Self.orders { checkOrder(table, limits, lower, upper, reason) }
        checkHandshake(table, limits)
    }

    /// Pairs of keys of which the first must not be above the second.
    private static let orders: [(lower: String, upper: String, reason: String)] = [
        ("connections_per_user", "connections", "one user could not have so many"),
        ("connections_from_network", "connections", "so many could never come from the network"),
        ("connections_per_address", "connections", "one address could not have so many"),
        ("calls_per_caller", "calls", "one caller could not have so many"),
        ("default_timeout_ms", "longest_timeout_ms", "a call that asks for nothing would get more than one that asks"),
        ("max_message_bytes", "assembly_bytes", "a message that comes in parts could not be completed"),
        ("assembly_bytes", "assembly_total_bytes", "one connection could not have so much"),
        ("initial_window_bytes", "connection_window_bytes", "a stream could not use its credit"),
        ("output_low_bytes", "output_high_bytes", "reading would stop before it could go on"),
    ]

    private mutating func checkOrder(
        _ table: TOMLTable,
        _ limits: WireLimits,
        _ lower: String,
        _ upper: String,
        _ reason: String
    ) {
        // What the file leaves out has its default, which may be what is in the way.
        guard let low = LimitKey.named(lower)?.value(in: limits), let high = LimitKey.named(upper)?.value(in: limits),
            low > high
        else { return }
        let key = table[lower] == nil ? upper : lower
        report("limits.\(key)", "`\(lower)` (\(low)) must not be above `\(upper)` (\(high)): \(reason)")
    }

    /// HELLO, a token of the largest size and the call that it is for must fit into what is taken before it is accepted.
    private mutating func checkHandshake(_ table: TOMLTable, _ limits: WireLimits) {
        let least = limits.token + 4096
        guard limits.handshakeBytes < least else { return }
        let key = table["handshake_bytes"] == nil ? "token_bytes" : "handshake_bytes"
        let words = "`handshake_bytes` (\(limits.handshakeBytes)) must be at least `token_bytes` and 4096 (\(least))"
        report("limits.\(key)", "\(words): a token of the largest size could not be presented")
    }
}
