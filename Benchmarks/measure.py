# SPDX-License-Identifier: Apache-2.0
"""Measures a running gateway beside wireguard-tools: measure.py FOLDER [JSON]. Runs inside its namespaces.

Wall time swings with the machine's neighbours; CPU time of the process and the ratio to the peer beside it are steadier.
"""
import base64
import os
import subprocess
import sys
import time

from figures import Figures, Wgmctl, interleaved, pid_of, resident, timed, wait_for

folder, as_json = sys.argv[1], sys.argv[2:] not in ([], [""])
PEERS = 1000
wgmctl = Wgmctl(folder + "/run/wgmd.sock")
figures = Figures()


def random_key():
    return base64.b64encode(os.urandom(32)).decode()


# At rest, before anything was asked of it.
wgmctl("login")
time.sleep(3)
figures.add("wgmd.resident", resident(pid_of("wgmd")), "MB", bound=30)
figures.add("keeper.resident", resident(pid_of("wgmd-keeper")), "MB", bound=10)

# A thousand peers in one call, beside wg setconf of as many on an interface of its own.
kernel = subprocess.run(["ip", "link", "add", "floor", "type", "wireguard"], capture_output=True).returncode == 0
if not kernel:
    subprocess.Popen(["wireguard-go", "-f", "floor"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("/run/wireguard/floor.sock")
keys = [random_key() for _ in range(PEERS)]
with open(folder + "/peers", "w") as lines:
    lines.writelines(f"peer{index:04} {key}\n" for index, key in enumerate(keys))
with open(folder + "/floor.conf", "w") as lines:
    lines.write(f"[Interface]\nPrivateKey = {random_key()}\n")
    for index, key in enumerate(keys):
        lines.write(f"[Peer]\nPublicKey = {key}\nAllowedIPs = 10.80.{index // 250}.{index % 250 + 1}/32, fd00:80::{index + 2:x}/128\n")
with open(folder + "/empty.conf", "w") as lines:
    lines.write(f"[Interface]\nPrivateKey = {random_key()}\n")


def add_with_wgmctl():
    wgmctl("interface", "create", "wg0", "--ipv4-pool", "10.81.0.0/16")
    sample = wgmctl("peer", "create", "wg0", "--from", folder + "/peers")
    wgmctl("interface", "delete", "wg0", "--with-peers")
    return sample


def add_with_wg():
    timed("wg", "setconf", "floor", folder + "/empty.conf")
    return timed("wg", "setconf", "floor", folder + "/floor.conf")


medians = interleaved(5, ours=add_with_wgmctl, floor=add_with_wg)
figures.add("peers.add_1000", medians["ours"][0], "ms", medians["floor"][0])

# Whole processes, with a thousand peers in one interface; the other interface would double what wg shows.
subprocess.run(["ip", "link", "delete", "floor"], check=True)
wgmctl("interface", "create", "wg0", "--ipv4-pool", "10.81.0.0/16")
wgmctl("peer", "create", "wg0", "--from", folder + "/peers")
medians = interleaved(
    25,
    version=lambda: wgmctl("version"),
    peer_list=lambda: wgmctl("peer", "list", "wg0"),
    floor=lambda: timed("wg", "show", "all", "dump"),
)
for name in ("version", "peer_list"):
    for kind, unit in enumerate(("ms", "ms CPU")):
        figures.add(f"wgmctl.{name}" + (".cpu" if kind else ""), medians[name][kind], unit, medians["floor"][kind])

time.sleep(3)
figures.add("wgmd.resident_1000_peers", resident(pid_of("wgmd")), "MB")
figures.add("keeper.resident_1000_peers", resident(pid_of("wgmd-keeper")), "MB")

figures.write(folder, "gateway", as_json, f"WireGuard: {'kernel' if kernel else 'wireguard-go'}, {os.cpu_count()} cores")
