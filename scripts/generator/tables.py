# SPDX-License-Identifier: Apache-2.0
"""The namespace V1 with the permission table, the redaction table and the schema itself."""

from .names import HEADER, lower_first, safe, swift_bool


def generate(schema, place):
    lines = [
        "internal import CWGMProto",
        "",
        "/// Version 1 of the schema: messages, methods and tables.",
        "public enum V1 {",
        "    /// The permission table: every method with what a caller needs for it.",
        "    public static let methods: [MethodDescriptor] = [",
    ]
    for service in schema.services:
        lines += [f"        {service.name}.{safe(lower_first(method.name))}," for method in service.methods]
    lines += [
        "    ]",
        "",
        "    /// The redaction table: every field that can be part of a request, and how the audit record shows it.",
        "    public static let auditedFields: [AuditedField] = [",
    ]
    for message in schema.audited().values():
        for field in message.fields:
            row = f'message: "{message.full_name}", field: "{field.proto_name}", isClear: {swift_bool(field.clear)}'
            lines += [f"        AuditedField({row}),"]
    lines += [
        "    ]",
        "",
        "    /// Every message of the schema.",
        "    public static let messages: [any WireMessage.Type] = [",
    ]
    lines += [f"        {message.name}.self," for message in schema.messages]
    lines += [
        "    ]",
        "",
        "    /// The messages of every method, by its name.",
        "    public static let messagesOfMethods: [String: MethodMessages] = [",
    ]
    for method in schema.methods:
        types = f"request: {method.request.name}.self, reply: {method.response.name}.self"
        lines += [f'        "{method.full_name}": MethodMessages({types}),']
    lines += [
        "    ]",
        "",
        "    /// The schema as a serialized `google.protobuf.FileDescriptorSet`, options included.",
        "    public static var fileDescriptorSet: [UInt8] {",
        "        var size = 0",
        "        let start = unsafe wgm_file_descriptor_set(&size)",
        "        return unsafe [UInt8](UnsafeBufferPointer(start: start, count: size))",
        "    }",
        "}",
    ]
    return {f"{place.swift}/V1.swift": HEADER + "\n".join(lines) + "\n"}
