// SPDX-License-Identifier: Apache-2.0

/// What keys do on the screen of `wgmctl top`.
struct TopKeys {
    var isOver = false
    /// Peers that are scrolled past.
    var offset = 0
    /// The filter that is being typed; nil when keys are commands.
    private(set) var typing: String?
    /// Bytes of a character that has not come as a whole.
    private var partial: [UInt8] = []

    private static let longestFilter = 64

    /// True when the screen has to be drawn anew.
    mutating func take(_ bytes: [UInt8], _ model: inout TopModel, page: Int) -> Bool {
        guard !bytes.isEmpty else { return false }
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            if byte == 0x1b {
                takeEscape(&rest, &model, page: page)
            } else if typing != nil {
                type(byte, &model)
            } else {
                command(byte, &model, page: page)
            }
        }
        offset = min(max(0, offset), max(0, model.shown.count - 1))
        return true
    }

    /// Escape alone drops the filter; with more behind it, it is a cursor key.
    private mutating func takeEscape(_ rest: inout ArraySlice<UInt8>, _ model: inout TopModel, page: Int) {
        guard rest.first == UInt8(ascii: "[") || rest.first == UInt8(ascii: "O") else {
            typing = nil
            model.filter = ""
            return
        }
        rest.removeFirst()
        var number = ""
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ";"):
                number.append(Character(Unicode.Scalar(byte)))
            case UInt8(ascii: "A"): return offset -= 1
            case UInt8(ascii: "B"): return offset += 1
            case UInt8(ascii: "~"):
                if number == "5" { offset -= page }
                if number == "6" { offset += page }
                return
            default: return
            }
        }
    }

    private mutating func type(_ byte: UInt8, _ model: inout TopModel) {
        var text = typing ?? ""
        switch byte {
        case 0x0a, 0x0d: return typing = nil
        case 0x08, 0x7f:
            if !text.isEmpty { text.removeLast() }
        case 0x00..<0x20: return
        default:
            partial.append(byte)
            guard let character = String(validating: partial, as: UTF8.self) else {
                if partial.count >= 4 { partial = [] }
                return
            }
            partial = []
            if text.count < Self.longestFilter { text += character }
        }
        typing = text
        model.filter = text
        offset = 0
    }

    private mutating func command(_ byte: UInt8, _ model: inout TopModel, page: Int) {
        switch byte {
        case UInt8(ascii: "q"), UInt8(ascii: "Q"): isOver = true
        case UInt8(ascii: "r"): model.sortKey = .rate
        case UInt8(ascii: "t"): model.sortKey = .total
        case UInt8(ascii: "h"): model.sortKey = .handshake
        case UInt8(ascii: "s"): model.sortKey = .state
        case UInt8(ascii: "n"): model.sortKey = .name
        case UInt8(ascii: "R"): model.isReversed.toggle()
        case UInt8(ascii: "/"):
            typing = ""
            model.filter = ""
        case UInt8(ascii: "j"): offset += 1
        case UInt8(ascii: "k"): offset -= 1
        case UInt8(ascii: "g"): offset = 0
        case UInt8(ascii: " "): offset += page
        default: break
        }
    }
}
