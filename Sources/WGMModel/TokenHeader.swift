// SPDX-License-Identifier: Apache-2.0

/// The one JWS header that tokens of wgm have, byte for byte.
///
/// The keeper signs nothing that does not start with it, so that its signature on a token can never pass for one on
/// something else, and the verifier need not interpret a header.
package enum TokenHeader {
    /// base64url of `{"typ":"wgm-at+jwt","alg":"EdDSA","kid":"…"}`; a key id is itself base64url, so that nothing in it
    /// needs an escape.
    package static func encoded(keyID: String) -> String {
        Base64.encode(Array(#"{"typ":"wgm-at+jwt","alg":"EdDSA","kid":"\#(keyID)"}"#.utf8), variant: .url)
    }
}
