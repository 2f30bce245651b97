// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// A firewall mark as people type it: `51820`, or `0xca6c` as ip and nft show it.
struct FirewallMark: Hashable, Sendable, ExpressibleByArgument {
    let number: UInt32

    init?(argument: String) {
        let isHexadecimal = argument.hasPrefix("0x") || argument.hasPrefix("0X")
        let digits = isHexadecimal ? argument.dropFirst(2) : argument[...]
        guard digits.first != "+", let number = UInt32(digits, radix: isHexadecimal ? 16 : 10) else { return nil }
        self.number = number
    }
}
