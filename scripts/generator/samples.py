# SPDX-License-Identifier: Apache-2.0
"""Randomly filled values of every message, for the tests."""

from .names import HEADER


def sample(field):
    one = f"V1.{field.element.removeprefix('V1.')}" if field.kind in ("enum", "message") else field.element
    return f"random.{'list' if field.repeated else 'maybe'}({one}.self)"


def generate(schema):
    lines = [HEADER + "import WGMWire", ""]
    for enum in (enum for file in schema.files for enum in file.enums):
        lines += [f"extension V1.{enum.name}: SampledEnum {{}}"]
    for message in schema.messages:
        name = f"V1.{message.name}"
        lines += ["", f"extension {name}: SampledMessage {{", f"    static func sample(_ random: inout SampleSource) -> {name} {{"]
        arguments = [f"            {field.name}: {sample(field)}" for field in message.fields]
        lines += [f"        {name}("] + [",\n".join(arguments)] + ["        )"] if arguments else [f"        {name}()"]
        lines += ["    }", "}"]
    lines += ["", "/// Every message of the schema.", "let everyMessage: [any SampledMessage.Type] = ["]
    lines += [f"    V1.{message.name}.self," for message in schema.messages]
    return {"Tests/WGMWireTests/MessagesSamples.swift": "\n".join(lines + ["]", ""])}
