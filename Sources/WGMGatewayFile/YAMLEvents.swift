// SPDX-License-Identifier: Apache-2.0

internal import CLibYAML

/// Where something stands in a file; both count from 1.
package struct FileMark: Hashable, Sendable, Comparable {
    package var line: UInt32
    package var column: UInt32

    package init(line: UInt32, column: UInt32) {
        self.line = line
        self.column = column
    }

    package static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// Something that cannot be read, and where.
package struct FileMistake: Error, Hashable, Sendable {
    package var mark: FileMark
    package var words: String
}

/// What comes next in a YAML text.
enum YAMLEvent: Hashable, Sendable {
    /// `isPlain` without quotes.
    case scalar(String, isPlain: Bool)
    case listStart, listEnd
    case mapStart, mapEnd
    case documentEnd
}

/// The events of one YAML document, as libyaml finds them.
///
/// Anchors, aliases and tags are refused, so that a small text cannot stand for a large one; so are a second document and
/// scalars of unreasonable length. Nesting is bounded by who reads the events.
@safe
final class YAMLEvents {
    static let maxScalarBytes = 4096
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>
    /// Where the event that `next` gave last begins.
    private(set) var mark = FileMark(line: 1, column: 1)

    init(_ whole: [UInt8]) throws(FileMistake) {
        // Some editors put a byte order mark before the text.
        let text = whole.starts(with: [0xef, 0xbb, 0xbf]) ? whole.dropFirst(3) : whole[...]
        // libyaml keeps pointers to both.
        unsafe parser = .allocate(capacity: 1)
        unsafe input = .allocate(capacity: text.count)
        _ = unsafe input.initialize(from: text)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.initialize(to: yaml_parser_t())
            throw FileMistake(mark: mark, words: "there is no memory to read it")
        }
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event; what only frames the document is passed over.
    func next() throws(FileMistake) -> YAMLEvent {
        while true {
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw problem() }
            defer { unsafe yaml_event_delete(&event) }
            mark = unsafe FileMark(event.start_mark)
            switch unsafe event.type {
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT: continue
            case YAML_DOCUMENT_END_EVENT: return .documentEnd
            case YAML_STREAM_END_EVENT: return .documentEnd
            case YAML_SEQUENCE_START_EVENT:
                try unsafe refuse(event.data.sequence_start.anchor, event.data.sequence_start.tag)
                return .listStart
            case YAML_SEQUENCE_END_EVENT: return .listEnd
            case YAML_MAPPING_START_EVENT:
                try unsafe refuse(event.data.mapping_start.anchor, event.data.mapping_start.tag)
                return .mapStart
            case YAML_MAPPING_END_EVENT: return .mapEnd
            case YAML_SCALAR_EVENT: return try unsafe scalar(event.data.scalar)
            default: throw FileMistake(mark: mark, words: "anchors and aliases are not taken here")
            }
        }
    }

    private func scalar(
        _ found: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar
    ) throws(FileMistake) -> YAMLEvent {
        try unsafe refuse(found.anchor, found.tag)
        guard unsafe found.length <= Self.maxScalarBytes else {
            throw FileMistake(mark: mark, words: "a text of more than \(Self.maxScalarBytes) bytes")
        }
        let bytes = unsafe UnsafeBufferPointer(start: found.value, count: found.length)
        guard unsafe !bytes.contains(0) else { throw FileMistake(mark: mark, words: "a text with a zero byte") }
        return unsafe .scalar(String(decoding: bytes, as: UTF8.self), isPlain: found.style == YAML_PLAIN_SCALAR_STYLE)
    }

    private func refuse(
        _ anchor: UnsafeMutablePointer<yaml_char_t>?,
        _ tag: UnsafeMutablePointer<yaml_char_t>?
    ) throws(FileMistake) {
        if unsafe anchor != nil { throw FileMistake(mark: mark, words: "anchors and aliases are not taken here") }
        if unsafe tag != nil { throw FileMistake(mark: mark, words: "tags are not taken here") }
    }

    private func problem() -> FileMistake {
        let words = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "cannot be read"
        let context = unsafe parser.pointee.context.map { unsafe " " + String(cString: $0) } ?? ""
        let isPlaced = unsafe parser.pointee.error == YAML_SCANNER_ERROR || parser.pointee.error == YAML_PARSER_ERROR
        let found = unsafe isPlaced ? FileMark(parser.pointee.problem_mark) : mark
        return FileMistake(mark: found, words: "this is no YAML: \(words)\(context)")
    }
}

extension FileMark {
    fileprivate init(_ mark: yaml_mark_t) {
        line = UInt32(clamping: mark.line) &+ 1
        column = UInt32(clamping: mark.column) &+ 1
    }
}
