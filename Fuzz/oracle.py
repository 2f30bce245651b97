# SPDX-License-Identifier: Apache-2.0
"""What Python's protobuf makes of bytes, for the fuzzer.

Input: length (4), name of a message, LF, bytes. Answer: 0 for refused, 1 for read, 2 for read although a field that
can be there once came twice (the last one counts, whatever the first was); length (4), the message written again.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as FieldProto

PROTO = Path(__file__).resolve().parent.parent / "proto"


def classes():
    """The class of every message, by its full name."""
    with tempfile.NamedTemporaryFile() as out:
        files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("wgm/v1/*.proto"))
        command = ["protoc", "-I", str(PROTO), "--include_imports", f"--descriptor_set_out={out.name}", *files]
        subprocess.run(command, check=True)
        descriptors = descriptor_pb2.FileDescriptorSet.FromString(Path(out.name).read_bytes())
    for field in (field for file in descriptors.file for kind in file.message_type for field in kind.field):
        # An enum's unknown values are data to us; proto2 in Python would hand them on among the unknown fields.
        if field.type == FieldProto.TYPE_ENUM and field.type_name.startswith(".wgm."):
            field.type = FieldProto.TYPE_INT32
            field.ClearField("type_name")
    pool = descriptor_pool.DescriptorPool()
    for file in descriptors.file:
        pool.Add(file)
    found = message_factory.MessageFactory(pool).GetMessages([file.name for file in descriptors.file])
    return {name: found[name] for name in found if name.startswith("wgm.")}


def is_text(value):
    """Whether every string is one. In a schema of proto2 the library only warns, and hands out the bytes."""
    for field, content in value.ListFields():
        elements = content if field.label == FieldDescriptor.LABEL_REPEATED else [content]
        if field.type == FieldDescriptor.TYPE_STRING and any(isinstance(element, bytes) for element in elements):
            return False
        if field.type == FieldDescriptor.TYPE_MESSAGE and not all(is_text(element) for element in elements):
            return False
    return True


def varint(content, at):
    value = shift = 0
    while at < len(content):
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    return value, at


def comes_twice(kind, content):
    """Whether a field that is not repeated stands in the bytes more than once, here or further in."""
    seen, at = set(), 0
    while at < len(content):
        tag, at = varint(content, at)
        number, wire_type = tag >> 3, tag & 7
        start = at
        if wire_type == 0:
            _, at = varint(content, at)
        elif wire_type == 2:
            length, start = varint(content, at)
            at = start + length
        else:
            at += {1: 8, 5: 4}.get(wire_type, len(content))
        field = kind.fields_by_number.get(number)
        if field is None:
            continue
        if field.label != FieldDescriptor.LABEL_REPEATED and number in seen:
            return True
        seen.add(number)
        inner = field.type == FieldDescriptor.TYPE_MESSAGE and wire_type == 2
        if inner and comes_twice(field.message_type, content[start:at]):
            return True
    return False


def answer(kinds, request):
    """Read or refused, and what is written after reading."""
    name, _, content = request.partition(b"\n")
    try:
        value = kinds[name.decode()].FromString(content)
        value.DiscardUnknownFields()
        if not is_text(value):
            return 0, b""
        return 1 + comes_twice(value.DESCRIPTOR, content), value.SerializeToString(deterministic=True)
    except (message.DecodeError, message.EncodeError, UnicodeError):
        return 0, b""


def main():
    kinds = classes()
    # What the library has to say about bytes that are no text.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while head := sys.stdin.buffer.read(4):
        request = sys.stdin.buffer.read(int.from_bytes(head, "big"))
        read, written = answer(kinds, request)
        sys.stdout.buffer.write(bytes([read]) + len(written).to_bytes(4, "big") + written)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
