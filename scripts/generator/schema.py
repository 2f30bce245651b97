# SPDX-License-Identifier: Apache-2.0
"""The schema as the generator sees it, and the rules that a schema of wgm must keep."""

import re
from dataclasses import dataclass, field as dataclass_field

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as FieldProto

from .names import c_lower, c_struct, lower_camel, safe

SCALARS = {
    FieldProto.TYPE_INT32: "Int32",
    FieldProto.TYPE_SINT32: "Int32",
    FieldProto.TYPE_SFIXED32: "Int32",
    FieldProto.TYPE_INT64: "Int64",
    FieldProto.TYPE_SINT64: "Int64",
    FieldProto.TYPE_SFIXED64: "Int64",
    FieldProto.TYPE_UINT32: "UInt32",
    FieldProto.TYPE_FIXED32: "UInt32",
    FieldProto.TYPE_UINT64: "UInt64",
    FieldProto.TYPE_FIXED64: "UInt64",
    FieldProto.TYPE_BOOL: "Bool",
    FieldProto.TYPE_STRING: "String",
    FieldProto.TYPE_BYTES: "[UInt8]",
}
KINDS = {
    FieldProto.TYPE_BOOL: "bool",
    FieldProto.TYPE_STRING: "string",
    FieldProto.TYPE_BYTES: "bytes",
    FieldProto.TYPE_ENUM: "enum",
    FieldProto.TYPE_MESSAGE: "message",
}
DEFAULT_MAX_REQUEST_BYTES = 65536
FIELDS_PER_MESSAGE = 64
DEPTH = 16


class SchemaError(Exception):
    """The schema breaks a rule; the text says which and where."""


@dataclass
class Field:
    proto_name: str
    kind: str  # number, bool, string, bytes, enum, message
    element: str  # Swift type of one element
    repeated: bool
    clear: bool
    doc: str
    type_name: str = ""

    @property
    def name(self):
        return safe(lower_camel(self.proto_name))

    @property
    def c_name(self):
        return self.proto_name.lower()

    @property
    def swift_type(self):
        return f"[{self.element}]" if self.repeated else f"{self.element}?"


@dataclass
class Message:
    name: str
    full_name: str
    doc: str
    fields: list = dataclass_field(default_factory=list)

    @property
    def c_struct(self):
        return c_struct(self.full_name)

    @property
    def c_prefix(self):
        return c_lower(self.full_name)

    def field(self, proto_name):
        return next((field for field in self.fields if field.proto_name == proto_name), None)


@dataclass
class Enum:
    name: str
    full_name: str
    doc: str
    values: list  # (case name, schema name, number, doc)

    @property
    def c_name(self):
        return c_struct(self.full_name)


@dataclass
class Method:
    name: str
    full_name: str
    request: Message
    response: Message
    verb: str
    resource: str
    authenticated: bool
    anonymous: bool
    mutation: bool
    max_request_bytes: int
    audited: bool
    request_stream: bool
    reply_stream: bool
    summary: str
    holes: list = dataclass_field(default_factory=list)


@dataclass
class Service:
    name: str
    full_name: str
    doc: str
    methods: list


@dataclass
class File:
    folder: str
    stem: str
    messages: list
    enums: list
    services: list


class Schema:
    """All files of the schema but the options."""

    def __init__(self, protos, options_file, own_names):
        self._load_options(protos)
        self.files = []
        self.by_name = {}
        own = [proto for proto in protos if proto.name in own_names and proto.name != options_file]
        for proto in sorted(own, key=lambda proto: proto.name):
            self.files.append(self._file(proto))
        for file, proto in zip(self.files, sorted(own, key=lambda proto: proto.name)):
            file.services = [self._service(proto, index) for index in range(len(proto.service))]
        for message in self.messages:
            self._check_depth(message, [])
        self._document_requests()

    @property
    def messages(self):
        return [message for file in self.files for message in file.messages]

    @property
    def enum_names(self):
        """C names of the enums by name."""
        return {"." + enum.full_name: enum.c_name for file in self.files for enum in file.enums}

    @property
    def services(self):
        return [service for file in self.files for service in file.services]

    @property
    def methods(self):
        return [method for service in self.services for method in service.methods]

    def audited(self):
        """Messages that can appear in an audit record, by name."""
        found = {}

        def visit(message):
            if message.full_name in found:
                return
            found[message.full_name] = message
            for field in message.fields:
                if field.kind == "message" and field.clear:
                    visit(self.by_name[field.type_name])

        for method in self.methods:
            visit(method.request)
        return found

    def _load_options(self, protos):
        pool = descriptor_pool.DescriptorPool()
        for proto in protos:
            pool.Add(proto)
        factory = message_factory.MessageFactory(pool)
        factory.GetMessages([proto.name for proto in protos])
        self._pool = pool
        self._classes = {
            kind: factory.GetPrototype(pool.FindMessageTypeByName(f"google.protobuf.{kind}"))
            for kind in ("MethodOptions", "FieldOptions")
        }

    def _option(self, kind, options, name):
        parsed = self._classes[kind].FromString(options.SerializeToString())
        extension = self._pool.FindExtensionByName(f"wgm.v1.{name}")
        return parsed.Extensions[extension] if parsed.HasExtension(extension) else None

    def _file(self, proto):
        if proto.syntax not in ("", "proto2"):
            raise SchemaError(f"{proto.name}: protobuf-c 1.4 needs proto2")
        if proto.extension:
            raise SchemaError(f"{proto.name}: extensions are for options.proto only")
        docs = comments(proto)
        enums = [self._enum(proto, index, docs) for index in range(len(proto.enum_type))]
        messages = [self._message(proto, index, docs) for index in range(len(proto.message_type))]
        folder, _, stem = proto.name.removesuffix(".proto").rpartition("/")
        return File(folder, stem, messages, enums, [])

    def _enum(self, proto, index, docs):
        enum = proto.enum_type[index]
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
        values = []
        for number, value in enumerate(enum.value):
            if not value.name.startswith(prefix) or value.number < 0:
                raise SchemaError(f"{enum.name}.{value.name}: must begin with {prefix} and not be negative")
            case = safe(lower_camel(value.name.removeprefix(prefix).lower()))
            values.append((case, value.name, value.number, docs.get((5, index, 2, number), "")))
        return Enum(enum.name, f"{proto.package}.{enum.name}", docs.get((5, index), ""), values)

    def _message(self, proto, index, docs):
        source = proto.message_type[index]
        full_name = f"{proto.package}.{source.name}"
        if source.nested_type or source.enum_type or source.oneof_decl or source.extension_range:
            raise SchemaError(f"{full_name}: nested types, oneofs, maps and extensions are not supported")
        if len(source.field) > FIELDS_PER_MESSAGE:
            raise SchemaError(f"{full_name}: more than {FIELDS_PER_MESSAGE} fields")
        message = Message(source.name, full_name, docs.get((4, index), ""))
        for number, field in enumerate(source.field):
            doc = docs.get((4, index, 2, number), "")
            message.fields.append(self._field(full_name, field, doc))
        self.by_name["." + full_name] = message
        return message

    def _field(self, owner, field, doc):
        where = f"{owner}.{field.name}"
        if field.label == FieldProto.LABEL_REQUIRED or field.HasField("default_value"):
            raise SchemaError(f"{where}: required fields and default values are not supported")
        named = field.type in (FieldProto.TYPE_ENUM, FieldProto.TYPE_MESSAGE)
        if not named and field.type not in SCALARS:
            raise SchemaError(f"{where}: its type is not supported")
        element = "V1." + field.type_name.rsplit(".", 1)[-1] if named else SCALARS[field.type]
        return Field(
            proto_name=field.name,
            kind=KINDS.get(field.type, "number"),
            element=element,
            repeated=field.label == FieldProto.LABEL_REPEATED,
            clear=self._option("FieldOptions", field.options, "audit") == 1,
            doc=doc,
            type_name=field.type_name,
        )

    def _service(self, proto, index):
        source = proto.service[index]
        docs = comments(proto)
        full_name = f"{proto.package}.{source.name}"
        methods = [self._method(full_name, method) for method in source.method]
        return Service(source.name, full_name, docs.get((6, index), ""), methods)

    def _method(self, service, source):
        full_name = f"{service}/{source.name}"

        def option(name):
            return self._option("MethodOptions", source.options, name)

        permission = option("permission")
        access = [permission is not None, bool(option("authenticated")), bool(option("anonymous"))]
        if access.count(True) != 1:
            raise SchemaError(f"{full_name}: needs exactly one of permission, authenticated and anonymous")
        method = Method(
            name=source.name,
            full_name=full_name,
            request=self.by_name[source.input_type],
            response=self.by_name[source.output_type],
            verb=permission.verb if permission else None,
            resource=permission.resource if permission else None,
            authenticated=access[1],
            anonymous=access[2],
            mutation=bool(option("mutation")),
            max_request_bytes=option("max_request_bytes") or DEFAULT_MAX_REQUEST_BYTES,
            audited=not option("unaudited"),
            request_stream=source.client_streaming,
            reply_stream=source.server_streaming,
            summary=option("summary") or "",
        )
        if not method.summary:
            raise SchemaError(f"{full_name}: needs a summary")
        if permission is not None:
            method.holes = self._holes(method)
        return method

    def _holes(self, method):
        """The {…} of a resource template, checked against the request."""
        if not method.verb or not method.resource:
            raise SchemaError(f"{method.full_name}: permission needs a verb and a resource")
        holes = re.findall(r"\{([^{}]*)\}", method.resource)
        if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", method.resource)):
            raise SchemaError(f"{method.full_name}: stray brace in {method.resource}")
        for segment in method.resource.split("/"):
            if not re.fullmatch(r"\{[a-z0-9_.]+\}|[a-z0-9-]+|\*", segment):
                raise SchemaError(f"{method.full_name}: segment {segment!r} is no word, {{field}} or *")
        if sum("." in hole for hole in holes) > 1:
            raise SchemaError(f"{method.full_name}: more than one repeated field in {method.resource}")
        for hole in holes:
            if hole != "node":
                self._check_hole(method, hole)
        return holes

    def _check_hole(self, method, hole):
        first, _, second = hole.partition(".")
        field = method.request.field(first)
        if field is not None and second:
            if not field.repeated or field.kind != "message":
                raise SchemaError(f"{method.full_name}: {{{hole}}}: {first} is not a repeated message")
            field = self.by_name[field.type_name].field(second)
        if field is None:
            raise SchemaError(f"{method.full_name}: {{{hole}}}: no such field in {method.request.full_name}")
        if field.kind != "string" or field.repeated:
            raise SchemaError(f"{method.full_name}: {{{hole}}}: not a string")

    def _check_depth(self, message, above):
        if message.full_name in above:
            raise SchemaError(f"{message.full_name}: recursive messages crash protobuf-c")
        if len(above) >= DEPTH:
            raise SchemaError(f"{message.full_name}: nested more than {DEPTH} deep")
        for field in message.fields:
            if field.kind == "message":
                self._check_depth(self.by_name[field.type_name], above + [message.full_name])

    def _document_requests(self):
        for method in self.methods:
            method.request.doc = method.request.doc or f"Request of `{method.full_name}`: {method.summary}"
            method.response.doc = method.response.doc or f"Reply of `{method.full_name}`."
        requests = [method.request.full_name for method in self.methods]
        if len(requests) != len(set(requests)):
            raise SchemaError("two methods share a request message: each needs its own")


def comments(proto):
    """Leading comments by path; (4, 0, 2, 1) is the second field of the first message."""
    found = {}
    for location in proto.source_code_info.location:
        text = location.leading_comments.strip()
        if text:
            found[tuple(location.path)] = "\n".join(line.strip() for line in text.splitlines())
    return found
