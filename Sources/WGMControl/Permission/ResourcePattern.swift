// SPDX-License-Identifier: Apache-2.0

/// A path of segments in which `*` stands for any one segment and a last `**` for one or more.
///
/// With nothing else in the language, whether one pattern includes another is decidable, and `covers` decides it exactly.
/// A pattern without wildcards is the path of one object.
package struct ResourcePattern: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let rule = "1 to 16 segments between '/', each a name, '*', or '**' as the last"
    private static let maxSegments = 16
    private static let maxSegmentBytes = 63

    package enum Segment: Hashable, Sendable {
        case name(String)
        case any
        /// One or more segments; only ever the last.
        case rest
    }

    package let segments: [Segment]

    private init(segments: [Segment]) { self.segments = segments }

    /// nil for anything but a well-formed pattern.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maxSegments * (Self.maxSegmentBytes + 1) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard (1...Self.maxSegments).contains(parts.count) else { return nil }
        var segments: [Segment] = []
        for (index, part) in parts.enumerated() {
            guard let segment = Self.segment(String(Substring(part))) else { return nil }
            guard segment != .rest || index == parts.count - 1 else { return nil }
            segments.append(segment)
        }
        self.segments = segments
    }

    /// Every resource there is.
    package static let everything = ResourcePattern(segments: [.rest])

    private static func segment(_ text: String) -> Segment? {
        switch text {
        case "*": .any
        case "**": .rest
        case let name where isName(name): .name(name)
        default: nil
        }
    }

    /// True for what can be the name of an interface, peer, principal or kind of thing.
    package static func isName(_ text: String) -> Bool {
        guard (1...maxSegmentBytes).contains(text.utf8.count), text != ".", text != ".." else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._@+=-".utf8.contains(byte)
            }
        }
    }

    /// True when every path that `other` stands for is one that this pattern stands for.
    package func covers(_ other: ResourcePattern) -> Bool {
        for (index, segment) in segments.enumerated() {
            guard index < other.segments.count else { return false }
            switch (segment, other.segments[index]) {
            case (.rest, _): return true
            case (.any, .any), (.any, .name): continue
            case (.name(let mine), .name(let theirs)) where mine == theirs: continue
            default: return false
            }
        }
        return segments.count == other.segments.count
    }

    /// The pattern of exactly those paths that both stand for; nil when there is none.
    package func intersection(_ other: ResourcePattern) -> ResourcePattern? {
        var common: [Segment] = []
        var index = 0
        while true {
            let mine = segment(at: index)
            let theirs = other.segment(at: index)
            switch (mine, theirs) {
            case (nil, nil): return ResourcePattern(segments: common)
            case (.rest, .some): return ResourcePattern(segments: common + other.segments[index...])
            case (.some, .rest): return ResourcePattern(segments: common + segments[index...])
            case (.any, .some(let segment)), (.some(let segment), .any): common.append(segment)
            case (.name(let left), .name(let right)) where left == right: common.append(.name(left))
            default: return nil
            }
            index += 1
        }
    }

    private func segment(at index: Int) -> Segment? { index < segments.count ? segments[index] : nil }

    package var description: String {
        segments.map { segment in
            switch segment {
            case .name(let name): name
            case .any: "*"
            case .rest: "**"
            }
        }.joined(separator: "/")
    }

    package static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}
