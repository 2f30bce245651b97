# SPDX-License-Identifier: Apache-2.0
"""Measures a running gateway beside wireguard-tools: measure.py FOLDER [JSON]. Runs inside its namespaces.

Wall time swings with the machine's neighbours; CPU time of the process and the ratio to the peer beside it are steadier.
"""
import base64
import json
import os
import statistics
import subprocess
import sys
import time

folder, as_json = sys.argv[1], sys.argv[2:] not in ([], [""])
socket = folder + "/run/wgmd.sock"
os.environ.update(XDG_RUNTIME_DIR="/run/gateway/user", NO_COLOR="1")
os.makedirs("/run/gateway/user", mode=0o700, exist_ok=True)
PEERS = 1000
figures = []


def figure(name, value, unit, floor=None, bound=None):
    ratio = round(value / floor, 2) if floor else None
    figures.append(dict(name=name, value=round(value, 2), unit=unit, floor=floor and round(floor, 2), ratio=ratio, bound=bound))


def timed(*command):
    """Wall and CPU milliseconds of one process from start to end."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)}: {errors.decode(errors='replace')}")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def interleaved(rounds, **commands):
    """Medians per command, each command once a round, so that all meet the same neighbours."""
    samples = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            samples[name].append(command())
    return {name: [statistics.median(column) for column in zip(*rows)] for name, rows in samples.items()}


def wgmctl(*arguments):
    return timed("wgmctl", "--socket", socket, *arguments)


def resident(program):
    """Megabytes."""
    pid = subprocess.run(["pgrep", "--ns", str(os.getpid()), "--nslist", "net", "-o", "-x", program], capture_output=True, text=True, check=True).stdout.strip()
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def random_key():
    return base64.b64encode(os.urandom(32)).decode()


def wait_for(path):
    for _ in range(100):
        if os.path.exists(path):
            return
        time.sleep(0.1)
    sys.exit(f"{path} did not appear")


# At rest, before anything was asked of it.
wgmctl("login")
time.sleep(3)
figure("wgmd.resident", resident("wgmd"), "MB", bound=30)
figure("keeper.resident", resident("wgmd-keeper"), "MB", bound=10)

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
figure("peers.add_1000", medians["ours"][0], "ms", medians["floor"][0])

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
        figure(f"wgmctl.{name}" + (".cpu" if kind else ""), medians[name][kind], unit, medians["floor"][kind])

time.sleep(3)
figure("wgmd.resident_1000_peers", resident("wgmd"), "MB")
figure("keeper.resident_1000_peers", resident("wgmd-keeper"), "MB")

with open(folder + "/report", "w") as report:
    if as_json:
        report.writelines(json.dumps(row) + "\n" for row in figures)
    else:
        report.write(f"{'figure':28} {'value':>9} {'unit':7} {'floor':>9} {'ratio':>7} {'bound':>7}\n")
        for row in figures:
            cells = ["" if row[key] is None else str(row[key]) for key in ("value", "floor", "ratio", "bound")]
            report.write(f"{row['name']:28} {cells[0]:>9} {row['unit']:7} {cells[1]:>9} {cells[2]:>7} {cells[3]:>7}\n")
        report.write(f"WireGuard: {'kernel' if kernel else 'wireguard-go'}, {os.cpu_count()} cores\n")
for row in figures:
    if row["bound"] and row["value"] > row["bound"]:
        open(folder + "/over", "w").close()
