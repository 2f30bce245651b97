// SPDX-License-Identifier: Apache-2.0

package import WGMModel
internal import WGMVerify

/// What a token says: who, until when, bound to whom, and what it may do.
package struct TokenClaims: Hashable, Sendable {
    static let audience = "wgm"
    static let tokenIDByteCount = 16

    package var issuer: String
    package var subject: ObjectName
    /// 128 random bits in base64url.
    package var tokenID: String
    /// Seconds since 1970.
    package var issued: Int64
    package var notBefore: Int64
    package var expires: Int64
    package var binding: TokenBinding
    package var grants: [Grant]

    package init(
        node: ObjectName,
        subject: ObjectName,
        tokenID: String,
        issued: Int64,
        lifetime: Int64,
        binding: TokenBinding,
        grants: [Grant]
    ) {
        issuer = Self.issuer(node)
        self.subject = subject
        self.tokenID = tokenID
        self.issued = issued
        notBefore = issued
        expires = issued + lifetime
        self.binding = binding
        self.grants = grants
    }

    static func issuer(_ node: ObjectName) -> String { "wgm:\(node)" }

    /// Never starts with `-`, so that a command line can name it without further ado.
    package static func makeTokenID() -> String {
        while true {
            let id = Base64.encode(RandomBytes.make(tokenIDByteCount), variant: .url)
            if !id.hasPrefix("-") { return id }
        }
    }

    package static func isTokenID(_ text: String) -> Bool {
        Base64.decode(text.utf8, variant: .url)?.count == tokenIDByteCount
    }
}

extension TokenClaims {
    /// Members in a fixed order, without white space.
    var json: String {
        let scopes = grants.map { grant in
            let verbs = grant.verbs.sorted().map { StrictJSON.quote($0.rawValue) }.joined(separator: ",")
            return #"{"r":\#(StrictJSON.quote(grant.resource.description)),"v":[\#(verbs)]}"#
        }
        let head = #"{"iss":\#(StrictJSON.quote(issuer)),"aud":"\#(Self.audience)","#
        let who = #""sub":\#(StrictJSON.quote(subject.value)),"jti":\#(StrictJSON.quote(tokenID)),"#
        let times = #""iat":\#(issued),"nbf":\#(notBefore),"exp":\#(expires),"#
        return head + who + times + #""cnf":\#(binding.json),"scp":[\#(scopes.joined(separator: ","))]}"#
    }

    /// nil unless the members are exactly those of `json` and each is well formed.
    ///
    /// An unknown member is refused rather than skipped, since it may be a condition that narrows the token.
    init?(json: [UInt8]) {
        let members: Set = ["iss", "aud", "sub", "jti", "iat", "nbf", "exp", "cnf", "scp"]
        guard let object = StrictJSON.parse(json)?.object, Set(object.keys) == members else { return nil }
        guard let issuer = object["iss"]?.string, object["aud"]?.string == Self.audience,
            let subject = object["sub"]?.string.flatMap({ ObjectName($0) }),
            let tokenID = object["jti"]?.string, Self.isTokenID(tokenID),
            let issued = object["iat"]?.integer, let notBefore = object["nbf"]?.integer,
            let expires = object["exp"]?.integer,
            let binding = object["cnf"].flatMap({ TokenBinding(claim: $0) }),
            let scopes = object["scp"]?.array
        else { return nil }
        var grants: [Grant] = []
        for scope in scopes {
            guard let grant = Grant(claim: scope) else { return nil }
            grants.append(grant)
        }
        self.issuer = issuer
        self.subject = subject
        self.tokenID = tokenID
        self.issued = issued
        self.notBefore = notBefore
        self.expires = expires
        self.binding = binding
        self.grants = grants
    }
}

extension Grant {
    fileprivate init?(claim: StrictJSON) {
        guard let members = claim.object, members.count == 2,
            let resource = members["r"]?.string, let verbs = members["v"]?.array?.map(\.string)
        else { return nil }
        self.init(resource: resource, verbs: verbs.map { $0 ?? "" })
    }
}
