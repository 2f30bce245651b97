# SPDX-License-Identifier: Apache-2.0
"""The gateway as the measurements of single calls find it, and one of their callers."""
import base64
import os
import subprocess
import sys

from figures import Wgmctl

PEERS = int(os.environ.get("PEERS", 1000))


def prepare(folder):
    """A thousand peers in one interface, and two tokens that allow reading them and nothing else."""
    tls, wgmctl = folder + "/tls", Wgmctl(folder + "/run/wgmd.sock")
    wgmctl("login")
    wgmctl("interface", "create", "wg0", "--ipv4-pool", "10.81.0.0/16")
    with open(folder + "/names", "w") as lines:
        lines.writelines(f"peer{index:04} {base64.b64encode(os.urandom(32)).decode()}\n" for index in range(PEERS))
    wgmctl("peer", "create", "wg0", "--from", folder + "/names")
    grant = ["--grant", "node/*/interface/wg0/peer/*=get"]
    for transport, binding in (("unix", []), ("tls", ["--bind-certificate", tls + "/anna.pem"])):
        token = f"{tls}/{transport}.token"
        if os.path.exists(token):
            os.unlink(token)
        wgmctl("token", "issue", *grant, *binding, "--output-file", token)
    return wgmctl


def call(programs, command):
    """Microseconds of the server's CPU per call, median and 99th percentile, calls per second, megabytes resident."""
    output = subprocess.run([f"{programs}/{command[0]}", *command[1:]], capture_output=True, text=True)
    if output.returncode:
        sys.exit(f"{' '.join(command)}: {output.stderr}")
    calls, cpu, median, late, span, kilobytes = map(int, output.stdout.split())
    return cpu / calls / 1e3, median / 1e3, late / 1e3, calls / span * 1e9, kilobytes / 1024
