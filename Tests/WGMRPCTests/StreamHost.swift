// SPDX-License-Identifier: Apache-2.0
import WGMRPC
import WGMWire

/// What the methods with streams of `EchoHost` do.
enum StreamHost {
    static func answer(_ method: String, _ request: [UInt8]?, _ channel: any MessageChannel) async -> CallOutcome {
        do throws(Status) {
            switch method {
            case "t.Stream/Upper": try await upper(channel)
            case "t.Stream/Count": return CallOutcome(reply: Array("\(try await count(channel))".utf8))
            case "t.Stream/Numbers": try await numbers(request ?? [], channel)
            default: try await Self.sleep()
            }
            return CallOutcome(reply: nil)
        } catch {
            return CallOutcome(failure: error)
        }
    }

    private static func upper(_ channel: any MessageChannel) async throws(Status) {
        while let message = try await channel.next() {
            let upper = message.map { (97...122).contains($0) ? $0 - 32 : $0 }
            try await channel.send(upper, patience: nil)
        }
    }

    private static func count(_ channel: any MessageChannel) async throws(Status) -> Int {
        var total = 0
        while let message = try await channel.next() { total += message.count }
        return total
    }

    /// "5 1000": five messages of a thousand bytes.
    private static func numbers(_ request: [UInt8], _ channel: any MessageChannel) async throws(Status) {
        let words = String(decoding: request, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
        for number in 0..<(words.first ?? 0) {
            let message = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: words.last ?? 0)
            try await channel.send(message, patience: channel.patience)
        }
    }

    private static func sleep() async throws(Status) {
        do { try await Task.sleep(for: .seconds(60)) } catch { throw Status(.cancelled, "cancelled") }
    }
}
