# SPDX-License-Identifier: Apache-2.0
"""Conversions between the Swift values and protobuf-c's structures."""

from .names import HEADER


def copied(field):
    """The Swift value of a field of the structure `c`."""
    value = f"c.pointee.{field.c_name}"
    count = f"c.pointee.n_{field.c_name}"
    present = f"c.pointee.has_{field.c_name} != 0"
    element = {
        "number": "{0}",
        "bool": "{0} != 0",
        "enum": field.element + "(rawValue: Int32(bitPattern: {0}.rawValue))",
        "bytes": "Copy.bytes({0})",
    }.get(field.kind)
    if field.repeated:
        if field.kind == "string":
            return f"Copy.strings({value}, {count})"
        if field.kind == "message":
            return f"Copy.messages({value}, {count})"
        mark = "unsafe " if field.kind == "bytes" else ""
        return f"Copy.list({value}, {count}) {{ {mark}{element.format('$0')} }}"
    if field.kind == "string":
        return f"Copy.string({value})"
    if field.kind == "message":
        return f"Copy.message({value})"
    return f"{present} ? {element.format(value)} : nil"


def built(field, enums):
    """Statements that set a field of the structure `c`."""
    target = f"c.pointee.{field.c_name}"
    element = {
        "number": "{0}",
        "bool": "{0} ? 1 : 0",
        "string": "{1}.string({0})",
        "bytes": "{1}.bytes({0})",
        "message": "{0}.build(in: &{1})",
    }.get(field.kind)
    if field.kind == "enum":
        element = enums[field.type_name] + "(rawValue: UInt32(bitPattern: {0}.rawValue))"
    if field.repeated:
        make = "unsafe " + element.format("$1", "$0") if "{1}" in element else f"_, value in {element.format('value')}"
        return [
            f"unsafe c.pointee.n_{field.c_name} = self.{field.name}.count",
            f"unsafe {target} = arena.list(self.{field.name}) {{ {make} }}",
        ]
    lines = [f"if let value = self.{field.name} {{"]
    if field.kind not in ("string", "message"):
        lines += [f"    unsafe c.pointee.has_{field.c_name} = 1"]
    value = element.format("value", "arena")
    return lines + [f"    unsafe {target} = {value}", "}"]


def message(source, enums):
    name = f"V1.{source.name}"
    lines = [
        f"extension {name}: WireMessage {{",
        f'    public static var protoName: String {{ "{source.full_name}" }}',
        "",
        "    public init(serialized bytes: UnsafeRawBufferPointer, budget: Int) throws(MessageError) {",
        "        self = try unsafe Self.read(bytes, budget: budget)",
        "    }",
        "",
        "    public func serialized() -> [UInt8] {",
        "        unsafe written()",
        "    }",
        "}",
        "",
        f"extension {name}: @unsafe CConvertible {{",
        "    package static var descriptor: UnsafePointer<ProtobufCMessageDescriptor> {",
        f"        unsafe wgm_descriptor_{source.c_prefix}()",
        "    }",
        "",
        f"    package init(copying c: UnsafePointer<{source.c_struct}>) {{",
    ]
    if source.fields:
        lines += ["        self.init("]
        for field in source.fields:
            comma = "," if field is not source.fields[-1] else ""
            lines += [f"            {field.name}: unsafe {copied(field)}{comma}"]
        lines += ["        )"]
    else:
        lines += ["        self.init()"]
    lines += [
        "    }",
        "",
        f"    package func build(in arena: inout Arena) -> UnsafeMutablePointer<{source.c_struct}> {{",
        f"        let c = unsafe arena.room(for: {source.c_struct}.self)",
        f"        unsafe {source.c_prefix}__init(c)",
    ]
    for field in source.fields:
        lines += ["        " + line for line in built(field, enums)]
    return lines + ["        return unsafe c", "    }", "}"]


def generate(file, enums, place):
    if not file.messages:
        return {}
    blocks = ["\n".join(message(source, enums)) for source in file.messages]
    text = f"{HEADER}package import {place.c_module}\n{place.imports}\n" + "\n\n".join(blocks) + "\n"
    return {f"{place.swift}/{file.stem}.conversions.swift": text}
