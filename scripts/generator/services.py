# SPDX-License-Identifier: Apache-2.0
"""Services: method descriptors, server protocols with their routes, client methods, and what requests are asked."""

from .names import HEADER, SOURCES, doc_lines, literal, lower_first, safe, swift_bool


def descriptors(service):
    lines = doc_lines(f"Methods of `{service.full_name}`. {service.doc}", "    ")
    lines += [f"    public enum {service.name} {{"]
    for method in service.methods:
        lines += doc_lines(method.summary, "        ")
        lines += [
            f"        public static let {safe(lower_first(method.name))} = MethodDescriptor(",
            f"            name: {literal(method.full_name)},",
            f"            verb: {literal(method.verb)},",
            f"            resource: {literal(method.resource)},",
            f"            isAuthenticatedOnly: {swift_bool(method.authenticated)},",
            f"            isAnonymous: {swift_bool(method.anonymous)},",
            f"            isMutation: {swift_bool(method.mutation)},",
            f"            maxRequestBytes: {method.max_request_bytes:_},",
            f"            isAudited: {swift_bool(method.audited)},",
            f"            summary: {literal(method.summary)}",
            "        )",
        ]
    return ["extension V1 {"] + lines + ["    }", "}"]


def server(service):
    lines = doc_lines(f"What a server of `{service.full_name}` does. {service.doc}", "")
    lines += [f"public protocol {service.name}Service<Context>: Sendable {{", "    associatedtype Context: Sendable"]
    for method in service.methods:
        name = safe(lower_first(method.name))
        types = f"_ request: V1.{method.request.name}, _ context: Context) -> Reply<V1.{method.response.name}>"
        lines += [""] + doc_lines(method.summary, "    ") + [f"    func {name}({types}"]
    lines += ["}", "", f"extension {service.name}Service {{", "    /// Every method of the service."]
    lines += ["    public var routes: [Route<Context>] {", "        ["]
    for method in service.methods:
        name = safe(lower_first(method.name))
        lines += [f"            Route(V1.{service.name}.{name}) {{ self.{name}($0, $1) }},"]
    return lines + ["        ]", "    }", "}"]


def client(service):
    lines = ["extension BlockingCaller where Self: ~Copyable {"]
    for method in service.methods:
        name = f"{lower_first(service.name)}{method.name}"
        descriptor = f"V1.{service.name}.{safe(lower_first(method.name))}"
        lines += doc_lines(method.summary, "    ")
        lines += [
            f"    public mutating func {name}(",
            f"        _ request: V1.{method.request.name} = V1.{method.request.name}()",
            f"    ) throws(Status) -> V1.{method.response.name} {{",
            f"        try call({descriptor}, request, as: V1.{method.response.name}.self)",
            "    }",
            "",
        ]
    return lines[:-1] + ["}"]


def template(method, replacements):
    """The template as a Swift string literal, its holes filled with expressions."""
    text = method.resource
    for hole, expression in replacements.items():
        text = text.replace("{" + hole + "}", "\\(" + expression + ")")
    return f'"{text}"'


def resources(schema, method):
    lines = ["    public func resources(node: String) -> [String] {"]
    if method.resource is None:
        return lines + ["        []", "    }"]
    replacements, each = {}, None
    for hole in method.holes:
        first, _, second = hole.partition(".")
        if hole == "node":
            replacements[hole] = "ResourcePath.segment(node)"
        elif second:
            each = method.request.field(first)
            element = schema.by_name[each.type_name].field(second)
            replacements[hole] = f"ResourcePath.segment($0.{element.name})"
        else:
            replacements[hole] = f"ResourcePath.segment({method.request.field(first).name})"
    path = template(method, replacements)
    if each is None:
        return lines + [f"        [{path}]", "    }"]
    hole = next(hole for hole in method.holes if "." in hole)
    nothing = template(method, {**replacements, hole: '"*"'}).replace('\\("*")', "*")
    lines += [f"        if {each.name}.isEmpty {{ return [{nothing}] }}"]
    return lines + [f"        return {each.name}.map {{", f"            {path}", "        }", "    }"]


def request(schema, method):
    lines = [f"extension V1.{method.request.name}: RequestMessage {{"] + resources(schema, method)
    lines += [
        "",
        "    public func auditJSON(hashing: (UnsafeRawBufferPointer) -> String) -> String {",
        "        unsafe AuditWriter.json(of: self, hashing: hashing)",
        "    }",
        "}",
    ]
    return lines


def audit_statement(message, field):
    if not field.clear:
        present = f"!self.{field.name}.isEmpty" if field.repeated else f"self.{field.name} != nil"
        alone = f"V1.{message.name}({field.name}: self.{field.name})"
        return f'        writer.hashed("{field.proto_name}", isPresent: {present}, alone: {alone})'
    write = {
        "number": "number",
        "bool": "bool",
        "string": "string",
        "bytes": "hexadecimal",
        "enum": "name",
        "message": "object",
    }[field.kind]
    return f'        writer.clear("{field.proto_name}", self.{field.name}) {{ $0.{write}($1) }}'


def audited(message):
    lines = [f"extension V1.{message.name}: AuditedMessage {{"]
    lines += ["    func writeAudit(to writer: inout AuditWriter) {"]
    lines += [audit_statement(message, field) for field in message.fields]
    return lines + ["    }", "}"]


def generate(schema, file):
    files = {}
    blocks = []
    for service in file.services:
        blocks += [descriptors(service), server(service), client(service)]
    if blocks:
        text = "\n\n".join("\n".join(block) for block in blocks)
        files[f"{SOURCES}/{file.stem}.service.swift"] = f"{HEADER}\n{text}\n"
    names = schema.audited()
    blocks = [request(schema, method) for service in file.services for method in service.methods]
    blocks += [audited(message) for message in file.messages if message.full_name in names]
    if blocks:
        text = "\n\n".join("\n".join(block) for block in blocks)
        files[f"{SOURCES}/{file.stem}.requests.swift"] = f"{HEADER}\n{text}\n"
    return files
