# SPDX-License-Identifier: Apache-2.0
"""Python classes of the schema, generated when a program starts."""

import atexit
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PROTO = HERE.parent.parent / "proto"


def generate() -> None:
    """Lets protoc write the modules wgm.v1.*_pb2 and wgm.interop.v1.interop_pb2 where Python finds them."""
    folder = tempfile.mkdtemp(prefix="wgm-interop-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("wgm/v1/*.proto"))
    command = ["protoc", "-I", str(PROTO), "-I", str(HERE), f"--python_out={folder}"]
    subprocess.run([*command, *files, "wgm/interop/v1/interop.proto"], check=True)
    sys.path.insert(0, folder)
