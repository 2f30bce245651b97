// SPDX-License-Identifier: Apache-2.0

internal import WGMModel

/// The settings that wg-quick(8) adds to those of wg(8).
enum QuickName: String, CaseIterable {
    case address = "Address"
    case mtu = "MTU"
    case dns = "DNS"
    case table = "Table"
    case preUp = "PreUp"
    case postUp = "PostUp"
    case preDown = "PreDown"
    case postDown = "PostDown"
    case saveConfig = "SaveConfig"

    init?(_ text: String) {
        let lower = text.utf8.map(\.lowercasedASCII)
        guard let name = Self.allCases.first(where: { $0.rawValue.utf8.map(\.lowercasedASCII) == lower }) else {
            return nil
        }
        self = name
    }
}

extension ConfigurationParser {
    mutating func readInterface(_ name: CompactText, _ setting: Setting, _ text: Span<UInt8>) {
        switch String(decoding: name.lowercased, as: UTF8.self) {
        case "privatekey": file.interface.privateKey = readSecret("PrivateKey", setting, text)
        case "listenport":
            guard beginOnce("ListenPort", setting) else { return }
            readNumber("ListenPort", setting, text, 0...65535) { file, number in
                file.interface.listenPort = Located(UInt16(number.value), number.place)
            }
        case "fwmark":
            guard beginOnce("FwMark", setting) else { return }
            guard let mark = FileNumber.mark(setting.compact(in: text).bytes) else {
                return malformed("FwMark", setting, text, "off, 0 to 4294967295, or 0x0 to 0xffffffff")
            }
            file.interface.firewallMark = Located(mark, setting.valuePlace(in: text))
        default: refuseUnknown(name, setting, section: "Interface")
        }
    }

    mutating func readQuick(_ name: QuickName, _ setting: Setting, _ text: Span<UInt8>) {
        guard begin(name.rawValue, setting, mayBeEmpty: true) else { return }
        switch name {
        case .address: readAddresses(setting, text)
        case .dns: readResolvers(setting, text)
        case .mtu, .table, .saveConfig:
            guard beginOnce(name.rawValue, setting) else { return }
            readSingle(name, setting, text)
        case .preUp: add(.preUp, setting, text)
        case .postUp: add(.postUp, setting, text)
        case .preDown: add(.preDown, setting, text)
        case .postDown: add(.postDown, setting, text)
        }
    }

    private mutating func readSingle(_ name: QuickName, _ setting: Setting, _ text: Span<UInt8>) {
        let place = setting.valuePlace(in: text)
        let value = setting.line.trimmed(setting.value, in: text)
        switch name {
        case .mtu:
            readNumber("MTU", setting, text, 68...65535) { file, number in
                file.interface.mtu = Located(UInt32(number.value), number.place)
            }
        case .saveConfig:
            switch value.lowercased() {
            case "true": file.interface.savesConfiguration = Located(true, place)
            case "false": file.interface.savesConfiguration = Located(false, place)
            default: malformed("SaveConfig", setting, text, "true or false")
            }
        case .table:
            guard let table = Self.table(value) else {
                return malformed("Table", setting, text, "off, auto, a number of 1 to 4294967295, or a table's name")
            }
            file.interface.table = Located(table, place)
        default: break
        }
    }

    private static func table(_ text: String) -> RouteTable? {
        switch text {
        case "auto": return .automatic
        case "off": return RouteTable.none
        default:
            if text.utf8.allSatisfy(\.isDigit) {
                guard let number = FileNumber.decimal(text.utf8, max: UInt64(UInt32.max)), number > 0 else {
                    return nil
                }
                return .named(String(number))
            }
            guard text.utf8.first?.isLetter == true, text.utf8.count <= 64, text.utf8.allSatisfy(\.isGraphic) else {
                return nil
            }
            return .named(text)
        }
    }

    private mutating func add(_ phase: HookCommand.Phase, _ setting: Setting, _ text: Span<UInt8>) {
        let command = HookCommand(phase: phase, command: setting.wholeText(in: text))
        guard !command.command.isEmpty else { return }
        file.interface.commands.append(Located(command, setting.place))
    }

    /// Between commas or white space, as the shell splits them.
    private func words(_ setting: Setting, _ text: Span<UInt8>) -> [Located<String>] {
        var words: [Located<String>] = []
        var start = setting.value.lowerBound
        for offset in setting.value.lowerBound...setting.value.upperBound {
            let isEnd = offset == setting.value.upperBound
            guard isEnd || text[offset].isWhiteSpace || text[offset] == UInt8(ascii: ",") else { continue }
            if offset > start {
                let word = setting.line.trimmed(start..<offset, in: text)
                words.append(Located(word, setting.line.place(of: start, in: text)))
            }
            start = offset + 1
        }
        return words
    }

    private mutating func readAddresses(_ setting: Setting, _ text: Span<UInt8>) {
        for word in words(setting, text) {
            guard let address = InterfaceAddress(word.value) else {
                refuse(
                    word.place,
                    .malformedValue("Address", rule: "an address with or without a length, such as 10.0.0.1/24")
                )
                continue
            }
            file.interface.addresses.append(Located(address, word.place))
        }
    }

    /// What looks like an address is a resolver; everything else is a domain to search in.
    private mutating func readResolvers(_ setting: Setting, _ text: Span<UInt8>) {
        for word in words(setting, text) {
            let bytes = word.value.utf8
            let isAddress =
                bytes.contains(UInt8(ascii: ":")) || bytes.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
            if !isAddress, bytes.allSatisfy(\.isGraphic) {
                file.interface.searchDomains.append(Located(word.value, word.place))
            } else if let address = IPAddress(word.value) {
                file.interface.resolvers.append(Located(address, word.place))
            } else {
                refuse(word.place, .malformedValue("DNS", rule: "the address of a resolver, or the name of a domain"))
            }
        }
    }

    // MARK: Values

    mutating func malformed(_ name: String, _ setting: Setting, _ text: Span<UInt8>, _ rule: String) {
        refuse(setting.valuePlace(in: text), .malformedValue(name, rule: rule))
    }

    mutating func readNumber(
        _ name: String,
        _ setting: Setting,
        _ text: Span<UInt8>,
        _ range: ClosedRange<UInt64>,
        _ take: (inout ConfigurationFile, Located<UInt64>) -> Void
    ) {
        let value = FileNumber.decimal(setting.compact(in: text).bytes, max: range.upperBound)
        guard let value, range.contains(value) else {
            return malformed(name, setting, text, "\(range.lowerBound) to \(range.upperBound)")
        }
        take(&file, Located(value, setting.valuePlace(in: text)))
    }

    /// nil for a malformed key, which is told, and for the key of zeros.
    mutating func readSecret(_ name: String, _ setting: Setting, _ text: Span<UInt8>) -> Located<SecretPlace>? {
        guard beginOnce(name, setting) else { return nil }
        switch KeyForm(of: setting.value, in: text) {
        case .malformed:
            refuse(setting.valuePlace(in: text), .malformedKey(name))
            return nil
        case .zeros: return nil
        case .key:
            let secret = SecretPlace(offset: setting.value.lowerBound, byteCount: setting.value.count)
            return Located(secret, setting.valuePlace(in: text))
        }
    }
}
