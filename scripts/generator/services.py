# SPDX-License-Identifier: Apache-2.0
"""Services: method descriptors, server protocols with their routes, client methods, and what requests are asked."""

from .names import HEADER, doc_lines, literal, lower_first, safe, swift_bool


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
            f"            isRequestStream: {swift_bool(method.request_stream)},",
            f"            isReplyStream: {swift_bool(method.reply_stream)},",
            f"            summary: {literal(method.summary)}",
            "        )",
        ]
    return ["extension V1 {"] + lines + ["    }", "}"]


def signature(method):
    """What a handler of the method looks like."""
    name = safe(lower_first(method.name))
    request, reply = f"V1.{method.request.name}", f"V1.{method.response.name}"
    requests = f"_ requests: Requests<{request}>" if method.request_stream else f"_ request: {request}"
    if not method.request_stream and not method.reply_stream:
        return [f"    func {name}({requests}, _ context: Context) -> Reply<{reply}>"]
    if not method.reply_stream:
        return [f"    func {name}({requests}, _ context: Context) async throws(Status) -> {reply}"]
    arguments = [requests, "_ context: Context", f"_ replies: Replies<{reply}>"]
    lines = [f"        {argument}," for argument in arguments]
    return [f"    func {name}("] + lines[:-1] + [lines[-1][:-1], "    ) async throws(Status)"]


def route(service, method, name):
    descriptor = f"V1.{service.name}.{name}"
    if method.request_stream and method.reply_stream:
        return f"Route({descriptor}, both: {{ (a, b, c) async throws(Status) in try await self.{name}(a, b, c) }})"
    if method.reply_stream:
        return f"Route({descriptor}, replies: {{ (a, b, c) async throws(Status) in try await self.{name}(a, b, c) }})"
    if method.request_stream:
        return f"Route({descriptor}, requests: {{ (a, b) async throws(Status) in try await self.{name}(a, b) }})"
    return f"Route({descriptor}) {{ self.{name}($0, $1) }}"


def server(service):
    lines = doc_lines(f"What a server of `{service.full_name}` does. {service.doc}", "")
    lines += [f"public protocol {service.name}Service<Context>: Sendable {{", "    associatedtype Context: Sendable"]
    for method in service.methods:
        lines += [""] + doc_lines(method.summary, "    ") + signature(method)
    lines += ["}", "", f"extension {service.name}Service {{", "    /// Every method of the service."]
    lines += ["    public var routes: [Route<Context>] {", "        ["]
    for method in service.methods:
        name = safe(lower_first(method.name))
        lines += [f"            {route(service, method, name)},"]
    return lines + ["        ]", "    }", "}"]


def blocking_stream_client(service):
    lines = []
    for method in service.methods:
        if method.request_stream == method.reply_stream:
            continue
        name = f"{lower_first(service.name)}{method.name}"
        descriptor = f"V1.{service.name}.{safe(lower_first(method.name))}"
        request, reply = f"V1.{method.request.name}", f"V1.{method.response.name}"
        lines += doc_lines(method.summary, "    ") + [f"    public mutating func {name}("]
        if method.reply_stream:
            lines += [
                f"        _ request: {request} = {request}(),",
                "        options: CallOptions = CallOptions(),",
                f"        each: ({reply}) throws(Status) -> Bool",
                "    ) throws(Status) {",
                f"        try call({descriptor}, request, options: options, each: each)",
            ]
        else:
            lines += [
                "        options: CallOptions = CallOptions(),",
                f"        next: () throws(Status) -> {request}?",
                f"    ) throws(Status) -> {reply} {{",
                f"        try call({descriptor}, as: {reply}.self, options: options, next: next)",
            ]
        lines += ["    }", ""]
    return ["extension BlockingStreamCaller where Self: ~Copyable {"] + lines[:-1] + ["}"] if lines else []


def async_client(service):
    lines = ["extension AsyncCaller {"]
    for method in service.methods:
        name = f"{lower_first(service.name)}{method.name}"
        descriptor = f"V1.{service.name}.{safe(lower_first(method.name))}"
        request, reply = f"V1.{method.request.name}", f"V1.{method.response.name}"
        options = "        options: CallOptions = CallOptions()"
        streamed = f"    ) async throws(Status) -> StreamedCall<{request}, {reply}> {{"
        lines += doc_lines(method.summary, "    ") + [f"    public func {name}("]
        if method.request_stream:
            lines += [options, streamed, f"        try await open({descriptor}, nil, options: options)"]
        elif method.reply_stream:
            lines += [f"        _ request: {request} = {request}(),", options, streamed]
            lines += [f"        try await open({descriptor}, request, options: options)"]
        else:
            lines += [f"        _ request: {request} = {request}(),", options]
            lines += [f"    ) async throws(Status) -> {reply} {{"]
            lines += [f"        try await call({descriptor}, request, as: {reply}.self, options: options)"]
        lines += ["    }", ""]
    return lines[:-1] + ["}"]


def client(service):
    lines = ["extension BlockingCaller where Self: ~Copyable {"]
    for method in service.methods:
        if method.request_stream or method.reply_stream:
            continue
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
    return lines[:-1] + ["}"] if len(lines) > 1 else []


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
    lines += ["    package func writeAudit(to writer: inout AuditWriter) {"]
    lines += [audit_statement(message, field) for field in message.fields]
    return lines + ["    }", "}"]


def generate(schema, file, place):
    files = {}
    blocks = []
    for service in file.services:
        blocks += [descriptors(service), server(service), client(service)]
        blocks += [blocking_stream_client(service), async_client(service)]
    blocks = [block for block in blocks if block]
    if blocks:
        text = "\n\n".join("\n".join(block) for block in blocks)
        files[f"{place.swift}/{file.stem}.service.swift"] = f"{HEADER}{place.imports}\n{text}\n"
    names = schema.audited()
    blocks = [request(schema, method) for service in file.services for method in service.methods]
    blocks += [audited(message) for message in file.messages if message.full_name in names]
    if blocks:
        text = "\n\n".join("\n".join(block) for block in blocks)
        files[f"{place.swift}/{file.stem}.requests.swift"] = f"{HEADER}{place.imports}\n{text}\n"
    return files
