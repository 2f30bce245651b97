// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMModel

@testable import WGMControl

@Suite struct GrantTests {
    private static let named: [Verb] = [.grant, .impersonate, .readSecret, .breakGlass, .routeAll]

    @Test("the wildcard verb stands for everything ordinary and nothing that must be named", arguments: Verb.allCases)
    func wildcard(verb: Verb) {
        let grant = Grant(resource: .everything, verbs: [.all])
        #expect(grant.covers(verb, on: .everything) == !Self.named.contains(verb))
    }

    @Test("no list of ordinary verbs adds up to the wildcard")
    func wildcardMustBeHeld() async throws {
        let most = Grant(resource: .everything, verbs: Set(Verb.allCases).subtracting([.all]))
        let rights = Rights(token: [most], roles: [most])
        let wanted = Grant(resource: .everything, verbs: [.all])
        #expect(throws: Refusal.permissionMissing(verb: "*", resource: "**")) { try rights.requireHolding(wanted) }
    }

    @Test("who holds a verb nowhere is known at once, and the wildcard counts where it stands for the verb")
    func holding() throws {
        let some = try #require(Grant(resource: "a/b", verbs: ["create"]))
        let all = Grant(resource: .everything, verbs: [.all])
        #expect(Rights(token: [some], roles: [all]).hold(.create))
        #expect(!Rights(token: [some], roles: [all]).hold(.delete))
        #expect(!Rights(token: [all], roles: []).hold(.create))
        #expect(!Rights(token: [all], roles: [all]).hold(.routeAll))
    }

    @Test("a scope is a pattern, one space and verbs", arguments: ["a/** get", "a get,list", "** *"])
    func scopes(text: String) {
        #expect(Grant(scope: text) != nil)
    }

    @Test(
        "other scopes are refused",
        arguments: ["", " ", "a", "a ", " get", "a  get", "a get,", "a ,get", "a get list", "a GET", "a get;list"]
    )
    func badScopes(text: String) {
        #expect(Grant(scope: text) == nil)
    }

    /// Evaluates a right the long way round: each layer, each grant, each segment of text.
    private static func naive(
        _ layers: [[(resource: String, verbs: [String])]],
        _ verb: String,
        _ path: [String]
    ) -> Bool {
        for layer in layers {
            var isAllowed = false
            for grant in layer {
                let pattern = grant.resource.split(separator: "/").map(String.init)
                var matches = true
                for index in 0..<max(pattern.count, path.count) {
                    if index < pattern.count, pattern[index] == "**", index < path.count { break }
                    if index >= pattern.count || index >= path.count { matches = false; break }
                    if pattern[index] != "*", pattern[index] != path[index] { matches = false; break }
                }
                let special = ["grant", "impersonate", "read-secret", "break-glass", "route-all"]
                let hasVerb = grant.verbs.contains(verb) || grant.verbs.contains("*") && !special.contains(verb)
                if matches && hasVerb { isAllowed = true }
            }
            if !isAllowed { return false }
        }
        return true
    }

    @Test("rights are what a naive evaluator says, in 200 000 random cases")
    func rightsAgreeWithNaiveEvaluation() throws {
        var random = Xorshift(state: 0x9E37_79B9_7F4A_7C15)
        let verbs = Verb.allCases.map(\.rawValue)
        func grant() -> (resource: String, verbs: [String]) {
            var segments = (0..<random.below(4)).map { _ in ["a", "b", "*"][random.below(3)] }
            if segments.isEmpty || random.below(3) == 0 { segments.append("**") }
            let chosen = (0...random.below(3)).map { _ in verbs[random.below(verbs.count)] }
            return (segments.joined(separator: "/"), chosen)
        }
        var wrong = 0
        var allowed = 0
        for _ in 0..<20_000 {
            let layers = (0..<2).map { _ in (0...random.below(3)).map { _ in grant() } }
            let parsed = try layers.map { try $0.map { try #require(Grant(resource: $0.resource, verbs: $0.verbs)) } }
            let rights = Rights(token: parsed[0], roles: parsed[1])
            for _ in 0..<10 {
                let path = (0...random.below(3)).map { _ in ["a", "b", "c"][random.below(3)] }
                let verb = Verb.allCases[random.below(verbs.count)]
                let resource = try #require(ResourcePattern(path.joined(separator: "/")))
                let isAllowed = rights.allow(verb, on: resource)
                if isAllowed { allowed += 1 }
                if isAllowed != Self.naive(layers, verb.rawValue, path) { wrong += 1 }
                // What is shown to people must not promise more or less than what holds.
                if rights.grants.contains(where: { $0.covers(verb, on: resource) }) != isAllowed { wrong += 1 }
            }
        }
        #expect(wrong == 0)
        #expect(allowed > 3_000)
    }

    @Test("whoever may hand on a grant may do everything in it")
    func handingOnIsSound() throws {
        var random = Xorshift(state: 42)
        let patterns = try ["**", "a/**", "a/*", "a/b", "*/b", "*"].map { try #require(ResourcePattern($0)) }
        let paths = try ["a", "b", "a/b", "a/c", "b/b", "a/b/c"].map { try #require(ResourcePattern($0)) }
        func grants() -> [Grant] {
            (0...random.below(2)).map { _ in
                let verbs = (0...random.below(3)).map { _ in Verb.allCases[random.below(Verb.allCases.count)] }
                return Grant(resource: patterns[random.below(patterns.count)], verbs: Set(verbs))
            }
        }
        var held = 0
        for _ in 0..<20_000 {
            let rights = Rights(token: grants(), roles: grants())
            let wanted = grants()[0]
            guard (try? rights.requireHolding(wanted)) != nil else { continue }
            held += 1
            for path in paths {
                for verb in Verb.allCases where wanted.covers(verb, on: path) { #expect(rights.allow(verb, on: path)) }
            }
        }
        #expect(held > 100)
    }
}

/// Random numbers that are the same in every run.
struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
