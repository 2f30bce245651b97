// SPDX-License-Identifier: Apache-2.0

internal import CQREncode
internal import WGMKeys

/// A QR code: a square of dark and light modules.
struct QRCode: Hashable, Sendable {
    /// Light modules on every side; the standard (ISO/IEC 18004) asks for four.
    static let quietZone = 4
    let width: Int
    private let dark: [Bool]

    init(_ text: borrowing SecretText) throws(Failure) {
        let code = unsafe text.withUnsafeBytes { bytes in
            unsafe QRcode_encodeData(
                CInt(bytes.count),
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                0,
                QR_ECLEVEL_L
            )
        }
        guard let code = unsafe code else {
            throw Failure(
                .failure,
                "the configuration is too long for a QR code (2953 bytes at most)",
                hint: "write it to a file with --config FILE"
            )
        }
        defer { unsafe QRcode_free(code) }
        let width = unsafe Int(code.pointee.width)
        // The lowest bit of each byte says whether the module is dark.
        dark = (0..<width * width).map { unsafe code.pointee.data[$0] & 1 == 1 }
        self.width = width
    }

    /// Two modules per character, light ones drawn; `styled` adds white on black, else a dark terminal is assumed.
    func text(styled: Bool) -> String {
        let range = -Self.quietZone..<width + Self.quietZone
        var output = ""
        for row in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
            if styled { output += "\u{1b}[97;40m" }
            for column in range {
                let isLowerLight = row + 1 < range.upperBound && isLight(row + 1, column)
                switch (isLight(row, column), isLowerLight) {
                case (true, true): output += "█"
                case (true, false): output += "▀"
                case (false, true): output += "▄"
                case (false, false): output += " "
                }
            }
            output += styled ? "\u{1b}[0m\n" : "\n"
        }
        return output
    }

    private func isLight(_ row: Int, _ column: Int) -> Bool {
        guard (0..<width).contains(row), (0..<width).contains(column) else { return true }
        return !dark[row * width + column]
    }
}
