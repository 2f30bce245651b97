# SPDX-License-Identifier: Apache-2.0
"""Swift values: one struct for each message, one enum for each enum."""

from .names import HEADER, doc_lines


def enum(source):
    lines = doc_lines(source.doc or f"Enum `{source.full_name}`.", "    ")
    lines += [f"    public enum {source.name}: WireEnum {{"]
    for case, _, _, doc in source.values:
        lines += doc_lines(doc, "        ") + [f"        case {case}"]
    lines += ["        /// A value that this version does not know.", "        case unrecognized(Int32)", ""]
    known = ", ".join(f".{case}" for case, _, _, _ in source.values)
    lines += ["        /// The values that this version knows."]
    lines += [f"        public static var allCases: [{source.name}] {{ [{known}] }}", ""]
    lines += ["        public init(rawValue: Int32) {", "            switch rawValue {"]
    lines += [f"            case {number}: self = .{case}" for case, _, number, _ in source.values]
    lines += ["            default: self = .unrecognized(rawValue)", "            }", "        }", ""]
    lines += ["        public var rawValue: Int32 {", "            switch self {"]
    lines += [f"            case .{case}: {number}" for case, _, number, _ in source.values]
    lines += ["            case .unrecognized(let rawValue): rawValue", "            }", "        }", ""]
    lines += ["        /// The name in the schema.", "        public var protoName: String {", "            switch self {"]
    lines += [f'            case .{case}: "{name}"' for case, name, _, _ in source.values]
    lines += ["            case .unrecognized(let rawValue): String(rawValue)", "            }", "        }", "    }"]
    return lines


def message(source):
    lines = doc_lines(source.doc or f"Message `{source.full_name}`.", "    ")
    lines += [f"    public struct {source.name}: Hashable, Sendable {{"]
    for field in source.fields:
        lines += doc_lines(field.doc, "        ") + [f"        public var {field.name}: {field.swift_type}"]
    if not source.fields:
        return lines + ["        public init() {}", "    }"]
    lines += ["", "        public init("]
    for field in source.fields:
        default = "[]" if field.repeated else "nil"
        comma = "," if field is not source.fields[-1] else ""
        lines += [f"            {field.name}: {field.swift_type} = {default}{comma}"]
    lines += ["        ) {"]
    lines += [f"            self.{field.name} = {field.name}" for field in source.fields]
    return lines + ["        }", "    }"]


def generate(file, place):
    blocks = [enum(source) for source in file.enums] + [message(source) for source in file.messages]
    if not blocks:
        return {}
    imports = place.imports if file.enums else ""
    body = "\n\n".join("\n".join(block) for block in blocks)
    return {f"{place.swift}/{file.stem}.messages.swift": f"{HEADER}{imports}\nextension V1 {{\n{body}\n}}\n"}
