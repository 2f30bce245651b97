# SPDX-License-Identifier: Apache-2.0
"""load.py SOCKET CALLERS SEED REPORT: callers who change peers of wg0 until there is a file named `stop`; each has peers of its own.

A call that fails may have been made or not: it is made again until the daemon says that it is, or that there is nothing to do.
What was acknowledged is written down at once, and at the end REPORT says what every peer has to be.
load.py check REPORT EXPORT: holds that against the JSON of `wgmctl export`.
"""
import base64
import json
import os
import random
import subprocess
import sys
import threading
import time

ALREADY, NOTHING = 4, 3
# By what is killed meanwhile, as seeds begin.
LOADS = ["daemon", "keeper", "database"]


class Caller(threading.Thread):
    def __init__(self, socket, number, seed):
        super().__init__()
        self.socket, self.number = socket, number
        self.random = random.Random(f"{seed}/{number}")
        # Peers of earlier loads keep their prefixes.
        self.network = f"10.{128 + 8 * LOADS.index(seed.split('-')[0]) + number}"
        self.peers = {}
        self.acknowledged = self.in_doubt = self.created = 0
        self.failure = None

    def run(self):
        try:
            while not os.path.exists("stop"):
                self.change()
        except Exception as failure:
            self.failure = failure

    def call(self, *arguments, done=None):
        """Until it is done; `done` is the exit code that says so of a call that was made before."""
        deadline = time.monotonic() + 600
        is_repeated = False
        while True:
            child = subprocess.run(["wgmctl", "--socket", self.socket, "--timeout", "20s", *arguments], capture_output=True, text=True)
            if child.returncode == 0 or is_repeated and child.returncode == done:
                self.acknowledged += 1
                return
            # Refused is refused, whatever was killed.
            if child.returncode in (5, 8, 64) or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(arguments)}: exit code {child.returncode}: {child.stderr}")
            if not is_repeated and child.returncode in (ALREADY, NOTHING):
                raise RuntimeError(f"{' '.join(arguments)}: exit code {child.returncode} at the first try: {child.stderr}")
            self.in_doubt += 1
            is_repeated = True
            time.sleep(0.3)

    def key(self):
        return base64.b64encode(self.random.randbytes(32)).decode()

    def change(self):
        if len(self.peers) < 3:
            return self.create()
        name = self.random.choice(sorted(self.peers))
        self.random.choice([self.create, lambda: self.keepalive(name), lambda: self.allow(name), lambda: self.switch(name), lambda: self.rotate(name), lambda: self.delete(name)])()

    def create(self):
        self.created += 1
        name, key = f"c{self.number}-{self.created}-{self.random.randrange(10**6)}", self.key()
        self.call("peer", "create", "wg0", name, "--public-key", key, done=ALREADY)
        self.peers[name] = dict(public_key=key, keepalive_s=0, allowed_addresses=[], enabled=True)

    def keepalive(self, name):
        seconds = self.random.randrange(1, 60000)
        self.call("peer", "set", "wg0", name, "--keepalive", f"{seconds}s")
        self.peers[name]["keepalive_s"] = seconds

    def allow(self, name):
        prefix = f"{self.network}.{self.created % 256}.{self.random.randrange(0, 256)}/32"
        if any(prefix in peer["allowed_addresses"] for peer in self.peers.values()):
            return
        self.call("peer", "set", "wg0", name, "--allow", prefix)
        self.peers[name]["allowed_addresses"] = [prefix]

    def switch(self, name):
        enabled = not self.peers[name]["enabled"]
        self.call("peer", "enable" if enabled else "disable", "wg0", name)
        self.peers[name]["enabled"] = enabled

    def rotate(self, name):
        key = self.key()
        self.call("peer", "rotate-key", "wg0", name, "--public-key", key, "--no-preshared-key", done=ALREADY)
        self.peers[name]["public_key"] = key

    def delete(self, name):
        self.call("peer", "delete", "wg0", name, done=NOTHING)
        del self.peers[name]


def load(socket, count, seed, report):
    callers = [Caller(socket, number, seed) for number in range(int(count))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    with open(report, "w") as file:
        json.dump({name: peer for caller in callers for name, peer in caller.peers.items()}, file)
    failures = [caller.failure for caller in callers if caller.failure]
    for failure in failures:
        print(failure)
    acknowledged, in_doubt = (sum(getattr(caller, name) for caller in callers) for name in ("acknowledged", "in_doubt"))
    print(f"{acknowledged} changes acknowledged, {in_doubt} tries that were not")
    return bool(failures) or acknowledged < int(count)


def check(report, export):
    with open(report) as wanted, open(export) as found:
        wanted, found = json.load(wanted), json.load(found)["interfaces"]["wg0"]["peers"]
    # Those of earlier loads have been checked and then left behind.
    faults = [name + ": is missing" for name in wanted.keys() - found.keys()]
    known = set(wanted)
    try:
        with open(report + ".before") as before:
            known |= set(json.load(before))
    except FileNotFoundError:
        pass
    faults += [name + ": should not be there" for name in found.keys() - known if name != "alice"]
    for name, peer in wanted.items():
        held = found.get(name, {})
        for attribute, value in peer.items():
            default = {"keepalive_s": 0, "allowed_addresses": [], "enabled": True}.get(attribute)
            if name in found and (held.get(attribute, default) if held.get(attribute) is not None else default) != value:
                faults.append(f"{name}: {attribute} is {held.get(attribute)}, not {value}")
    with open(report + ".before", "w") as before:
        json.dump(sorted(known), before)
    print("\n".join(faults[:20]))
    print(f"{len(wanted)} peers as their callers left them, {len(faults)} faults")
    return bool(faults)


sys.exit(check(*sys.argv[2:]) if sys.argv[1] == "check" else load(*sys.argv[1:]))
