# SPDX-License-Identifier: Apache-2.0
"""A gateway with many peers beside wireguard-tools: scale.py FOLDER [JSON]. Runs inside its namespaces.

The gateway's log must be at level debug: how long it took to make the kernel equal to the database is read there, from the first
question to the keeper to the dump that shows no difference. SIZES names the numbers of peers, each of which has two prefixes; ROUNDS says how
often up to 10 000 are measured.
"""
import base64
import os
import re
import statistics
import subprocess
import sys
import time

from figures import Figures, Wgmctl, memory, pid_of, timed, wait_for

folder, as_json = sys.argv[1], sys.argv[2:] not in ([], [""])
SIZES = [int(size) for size in os.environ.get("SIZES", "1000 10000 50000").split()]
ROUNDS = int(os.environ.get("ROUNDS", 3))
BEGAN = time.monotonic()
PATIENCE = int(os.environ.get("WGM_PATIENCE", 1))
wgmctl = Wgmctl(folder + "/run/wgmd.sock")
figures = Figures()
probe = subprocess.run(["ip", "link", "add", "floor", "type", "wireguard"], capture_output=True)
kernel = probe.returncode == 0


def random_key():
    return base64.b64encode(os.urandom(32)).decode()


def write_files(count):
    """The same peers for both: gateway.yaml and floor.conf.

    Keepalives of tens of thousands, each a handshake that nobody answers, are more than a slow machine has time for: they are left out.
    """
    keepalive, floor_keepalive = (", keepalive_s: 25", "PersistentKeepalive = 25\n") if count <= 10_000 else ("", "")
    peers = [(random_key(), f"10.80.{(index + 2) // 256}.{(index + 2) % 256}", f"fd00:80::{index + 2:x}") for index in range(count)]
    with open(folder + "/gateway.yaml", "w") as lines:
        lines.write("version: 1\ninterfaces:\n  wg0:\n    ipv4_pool: 10.80.0.0/14\n    ipv6_pool: fd00:80::/64\n    listen_port: 51821\n    peers:\n")
        for index, (key, v4, v6) in enumerate(peers):
            lines.write(f'      p{index:05}: {{public_key: {key}, addresses: ["{v6}", {v4}]{keepalive}}}\n')
    with open(folder + "/floor.conf", "w") as lines:
        lines.write(f"[Interface]\nPrivateKey = {random_key()}\nListenPort = 51822\n")
        for key, v4, v6 in peers:
            lines.write(f"[Peer]\nPublicKey = {key}\nAllowedIPs = {v6}/128, {v4}/32\n{floor_keepalive}")


class Floor:
    """Plain WireGuard on a link that is up, as the gateway's is."""

    def __enter__(self):
        self.program = None
        if kernel:
            subprocess.run(["ip", "link", "delete", "floor"], capture_output=True)
            subprocess.run(["ip", "link", "add", "floor", "type", "wireguard"], check=True)
        else:
            self.program = subprocess.Popen(["wireguard-go", "-f", "floor"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for("/run/wireguard/floor.sock")
        subprocess.run(["ip", "link", "set", "floor", "up"], check=True)

    def __exit__(self, *_):
        if not self.program:
            # Deleting it takes the kernel minutes for many peers; the next one does it, or the end of the namespace.
            subprocess.run(["ip", "link", "set", "floor", "down"], check=True)
            return
        subprocess.run(["ip", "link", "delete", "floor"], check=True)
        self.program.wait()


class Log:
    """What the gateway says of its reconciliations from now on."""

    def __init__(self):
        self.lines = open(folder + "/wgmd.log")
        self.lines.seek(0, os.SEEK_END)

    def settled(self):
        """The next one: how many changes it made, and milliseconds."""
        deadline = time.monotonic() + 120 * PATIENCE
        while time.monotonic() < deadline:
            line = self.lines.readline()
            found = re.search(r"changes=(\d+).*microseconds=(\d+).*settled", line)
            if found:
                return int(found[1]), int(found[2]) / 1000
            if not line:
                time.sleep(0.02)
        sys.exit("the gateway did not settle its interface; see " + folder + "/wgmd.log")

    def first(self, wanted):
        while True:
            changes, milliseconds = self.settled()
            if wanted(changes):
                return milliseconds


def changes_sent(pid, command):
    """Messages to WireGuard that change something, while the command runs."""
    trace = folder + "/trace"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-xx", "-s", "32", "-e", "trace=sendto,write", "-o", trace, "-p", pid])
    time.sleep(1 * PATIENCE)
    command()
    tracer.terminate()
    tracer.wait()
    text = open(trace).read()
    if kernel:
        # The first byte behind the header is the command; 1 is WG_CMD_SET_DEVICE.
        return sum('"\\x01\\x01\\x00\\x00' in line and "nlctrl" not in line for line in text.splitlines())
    return text.count('"' + "".join(f"\\x{byte:02x}" for byte in b"set=1\n"))


def measure_floor(rounds):
    samples = []
    for _ in range(rounds):
        with Floor():
            setconf = timed("wg", "setconf", "floor", folder + "/floor.conf")[0]
            dumps = [timed("wg", "show", "floor", "dump")[0] for _ in range(5)]
            samples.append((setconf, statistics.median(dumps)))
    return [statistics.median(column) for column in zip(*samples)]


def tell(words):
    print(f"scale: {time.monotonic() - BEGAN:.0f} s: {words}", file=sys.stderr, flush=True)


def measure(count):
    rounds = ROUNDS if count <= 10_000 else 1
    write_files(count)
    setconf, dump = measure_floor(rounds)
    tell(f"{count} peers: wg setconf {setconf:.0f} ms, wg show dump {dump:.0f} ms; now wgm")
    log = Log()
    whole, first = [], []
    for number in range(rounds):
        if number:
            wgmctl("interface", "delete", "wg0", "--with-peers", "--timeout", "10m")
            log = Log()
        whole.append(wgmctl("apply", "-f", folder + "/gateway.yaml", "--yes", "--timeout", "10m")[0])
        tell(f"applied in {whole[-1]:.0f} ms")
        first.append(log.first(lambda changes: changes > 0))
    present = subprocess.run(["wg", "show", "wg0", "allowed-ips"], capture_output=True, text=True, check=True).stdout.splitlines()
    if sum(len(line.split()) == 3 for line in present) != count:
        sys.exit(f"wg show sees {len(present)} peers instead of {count} with two prefixes each")
    name = f"scale.{count}"
    plan = wgmctl("plan", "-f", folder + "/gateway.yaml", "--timeout", "10m")[0]
    halves = {half: pid_of(half) for half in ("wgmd", "wgmd-keeper")}
    peaks = [memory(pid)[1] for pid in halves.values()]
    # wgmd gives back every 20 s what is free.
    time.sleep(25)
    for pid in halves.values():
        # The most from now on.
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")
    log = Log()
    tell("what a look costs that finds nothing")
    idle = statistics.median(log.first(lambda changes: changes == 0) for _ in range(5))
    tell("one change")
    # Beyond 10 000 ratios are printed, and not judged.
    bounds = (1.25, 1.5) if count <= 10_000 else (None, None)
    figures.add(name + ".first_apply", statistics.median(first), "ms", setconf, bound=bounds[0], of_ratio=True)
    figures.add(name + ".first_apply_whole", statistics.median(whole), "ms", setconf)
    figures.add(name + ".nothing_changes", idle, "ms", dump, bound=bounds[1], of_ratio=True)
    figures.add(name + ".plan_whole", plan, "ms")
    one = lambda seconds: lambda: wgmctl("peer", "set", "wg0", "p00007", "--keepalive", seconds, "--timeout", "10m")
    figures.add(name + ".one_peer_whole", one("21s")()[0], "ms")
    sent = changes_sent(halves["wgmd-keeper"], one("22s"))
    figures.add(name + ".one_peer_messages", sent, "", bound=1)
    time.sleep(30)
    resident, most = zip(*map(memory, halves.values()))
    for kind, column, bound in (("resident", resident, 150), ("resident_peak", most, 150), ("apply_peak", peaks, None)):
        figures.add(f"{name}.{kind}", sum(column), "MB", bound=bound if count <= 50_000 else None)
        for half, value in zip(("wgmd", "keeper"), column):
            figures.add(f"{name}.{kind}.{half}", value, "MB")


def show(rows):
    """A long run says what it has."""
    for row in rows:
        print(row["name"], row["value"], row["unit"], "" if row["ratio"] is None else f"ratio {row['ratio']}", file=sys.stderr)


if kernel:
    subprocess.run(["ip", "link", "delete", "floor"], check=True)
wgmctl("login")
for size in SIZES:
    known = len(figures.rows)
    measure(size)
    show(figures.rows[known:])
    if size != SIZES[-1]:
        wgmctl("interface", "delete", "wg0", "--with-peers", "--timeout", "10m")
figures.write(folder, "scale", as_json, f"WireGuard: {'kernel' if kernel else 'wireguard-go'}, {os.cpu_count()} cores")
