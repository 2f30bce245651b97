// SPDX-License-Identifier: Apache-2.0

/// The times in a token's claims.
///
/// Whoever breaks wgmd can have tokens signed while he is in. Without a look at these he would take along tokens for years
/// to come, which no revocation of "everything issued before now" reaches.
struct TokenTimes: Hashable {
    /// Seconds by which wgmd's clock reading may be ahead of ours; it is the same clock.
    static let maxSkew: Int64 = 2
    /// Seconds: one day, as wgmd's own limit.
    static let maxLifetime: Int64 = 86_400

    /// Seconds since 1970.
    let issued: Int64
    let notBefore: Int64
    let expires: Int64

    /// nil unless each of the three is there exactly once, as wgmd writes it: without white space, behind a comma.
    ///
    /// Inside a JSON string the quotes would stand behind backslashes. A second member of the same name, written with
    /// escapes or in an inner object, makes claims that wgmd refuses to read.
    init?(_ claims: [UInt8]) {
        guard let issued = Self.number("iat", in: claims), let notBefore = Self.number("nbf", in: claims),
            let expires = Self.number("exp", in: claims)
        else { return nil }
        self.issued = issued
        self.notBefore = notBefore
        self.expires = expires
    }

    /// True for a token that is good from now on, and for no longer than a token may be.
    func isPresent(at now: Int64) -> Bool {
        let latest = now + Self.maxSkew
        return issued <= latest && notBefore <= latest && expires <= latest + Self.maxLifetime
    }

    private static func number(_ name: String, in claims: [UInt8]) -> Int64? {
        let label = Array(",\"\(name)\":".utf8)
        var found: Int64?
        for start in claims.indices where claims[start...].starts(with: label) {
            guard found == nil else { return nil }
            let rest = claims[(start + label.count)...]
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let end = digits.endIndex
            guard end < claims.endIndex, claims[end] == UInt8(ascii: ",") || claims[end] == UInt8(ascii: "}") else {
                return nil
            }
            guard let number = Int64(String(decoding: digits, as: UTF8.self)) else { return nil }
            found = number
        }
        return found
    }
}
