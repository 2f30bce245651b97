// SPDX-License-Identifier: Apache-2.0

import TOMLKit
import WGMModel
import WGMRPC

extension ConfigurationFile {
    static let tlsKeys = ["listen", "certificate", "key", "client_ca", "client_certificates", "allow"]

    /// The table `[tls]`: it is there, so a port is wanted, and what that needs must be there too.
    mutating func setTLS(_ table: TOMLTable) {
        var tls = Configuration.TLS()
        for key in table.keys.sorted() {
            guard let value = table[key] else { continue }
            switch key {
            case "listen":
                let rule = "an address and a port, such as \"[::]:51821\""
                tls.listen = list(key, value, rule) { Endpoint($0) }
            case "allow":
                let rule = "an address or a prefix, such as \"2001:db8::/32\""
                tls.allow = list(key, value, rule) { IPPrefix($0) }
            case "certificate": tls.certificate = tlsPath(key, value) ?? ""
            case "key": tls.key = tlsPath(key, value) ?? ""
            case "client_ca": tls.clientAuthority = tlsPath(key, value)
            case "client_certificates":
                let known = TLSSettings.ClientCertificates.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
                if let text = value.string, let wanted = TLSSettings.ClientCertificates(rawValue: text) {
                    tls.clientCertificates = wanted
                } else {
                    report("tls.\(key)", "`client_certificates` must be one of \(known)")
                }
            default:
                let known = Self.tlsKeys.joined(separator: ", ")
                report("tls.\(key)", "unknown key `\(key)` in [tls]; the keys are \(known)")
            }
        }
        requireTogether(table, tls)
        configuration.tls = tls
    }

    private mutating func requireTogether(_ table: TOMLTable, _ tls: Configuration.TLS) {
        for key in ["certificate", "key"] where table[key] == nil {
            report("tls", "[tls] needs `\(key)`; `wgmd certificate` makes a certificate and its key")
        }
        if tls.clientCertificates != .off, table["client_ca"] == nil {
            report(
                "tls",
                "[tls] needs `client_ca`, the authority of client certificates, or client_certificates = \"off\""
            )
        }
    }

    private mutating func tlsPath(_ key: String, _ value: any TOMLValueConvertible) -> String? {
        guard let text = value.string, isPath(text) else {
            report("tls.\(key)", "`\(key)` must be an absolute path without `..`, in quotes")
            return nil
        }
        return text
    }

    private mutating func list<Value>(
        _ key: String,
        _ value: any TOMLValueConvertible,
        _ rule: String,
        _ parse: (String) -> Value?
    ) -> [Value] {
        guard let array = value.array, !array.isEmpty else {
            report("tls.\(key)", "`\(key)` must be a list in brackets; each element is \(rule)")
            return []
        }
        var values: [Value] = []
        for element in array {
            if let value = element.string.flatMap(parse) {
                values.append(value)
            } else {
                report("tls.\(key)", "`\(key)`: each element must be \(rule)")
            }
        }
        return values
    }
}
