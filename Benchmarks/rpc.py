# SPDX-License-Identifier: Apache-2.0
"""What one call costs the server: rpc.py FOLDER PROGRAMS [JSON]. Runs inside a gateway's namespaces.

The call reads one of a thousand peers by name, with a token that allows just that, and leaves its audit record. Beside wgmd,
in the same rounds: a server in C that does nothing else (rpc/floor.c), Debian's gRPC for C++, Debian's ttrpc for Go.
"""
import os
import statistics
import subprocess
import sys
import time

from figures import Figures, interleaved, pid_of, timed, wait_for
from gateway import PEERS, call, prepare

folder, programs, as_json = sys.argv[1], sys.argv[2], sys.argv[3:] not in ([], [""])
ROUNDS, SECONDS = int(os.environ.get("ROUNDS", 5)), float(os.environ.get("ROUND_SECONDS", 0.7))
socket, tls = folder + "/run/wgmd.sock", folder + "/tls"
wgmctl = prepare(folder)

# case: connections, calls in flight on each, times the floor's CPU, times its median, share of gRPC's CPU, of ttrpc's
CASES = {
    "unix_1": ("unix", 1, 1, 3, 2, 1 / 3, 2 / 3),
    "unix_64": ("unix", 1, 64, 5, 3, 1 / 10, 1 / 10),
    "unix_64_connections": ("unix", 64, 1, 4, 3, 1 / 3, 1),
    # Each call has a trace context of its own, as those of a caller who traces have: no two are equal.
    "unix_1_differ": ("unix", 1, 1, 3, 2, 1 / 3, 2 / 3),
    "unix_64_differ": ("unix", 1, 64, 5, 3, 1 / 10, 1 / 10),
    "unix_64_connections_differ": ("unix", 64, 1, 4, 3, 1 / 3, 1),
    # Each call has metadata besides, with which it takes the way that all other methods take; no bound holds here.
    "unix_64_dispatched": ("unix", 1, 64, None, None, None, None),
    "tls_1": ("tls", 1, 1, 2, None, 1 / 3, None),
    "tls_64": ("tls", 1, 64, 4, None, 1 / 3, None),
}
certificates = [tls + "/ca.pem", tls + "/anna.pem", tls + "/anna.key"]


def names(case):
    """How many peers, and for `load` what makes each call another."""
    return str(PEERS) + ("all-differ" if "differ" in case else "dispatched" if "dispatched" in case else "")


def start(*command):
    return str(subprocess.Popen([f"{programs}/{command[0]}", *command[1:]]).pid)


def frames(pid, transport, *address):
    """A server that speaks our frames."""
    token = f"{tls}/{transport}.token"
    more = certificates if transport == "tls" else []
    return lambda connections, in_flight, names: ["load", pid, str(SECONDS), connections, in_flight, token, names, transport, *address, *more]


def others(program, pid, *address):
    return lambda connections, in_flight, names: [program, "load", pid, str(SECONDS), connections, in_flight, str(PEERS), *address]


def start_servers():
    floor, ttrpc, grpc = folder + "/floor.sock", folder + "/ttrpc.sock", folder + "/grpc.sock"
    wgmd = pid_of("wgmd")
    servers = {
        "floor": {
            "unix": frames(start("floor", "unix", floor), "unix", floor),
            "tls": frames(start("floor", "tls", "5001", tls + "/server.pem", tls + "/server.key", tls + "/ca.pem"), "tls", "5001"),
        },
        "wgmd": {"unix": frames(wgmd, "unix", socket), "tls": frames(wgmd, "tls", "51821")},
        "grpc": {
            "unix": others("grpc", start("grpc", "serve", "unix:" + grpc), "unix:" + grpc),
            "tls": others("grpc", start("grpc", "serve", "127.0.0.1:5002", tls + "/server.pem", tls + "/server.key"), "127.0.0.1:5002", tls + "/ca.pem"),
        },
        "ttrpc": {"unix": others("ttrpc", start("ttrpc", "serve", ttrpc), ttrpc)},
    }
    for path in (floor, ttrpc, grpc):
        wait_for(path)
    time.sleep(0.5)
    return servers


def ratio(samples, case, column, over, under):
    return statistics.median(a[column] / b[column] for a, b in zip(samples[case, over], samples[case, under]))


def report(figures, samples):
    middle = lambda case, server, column: statistics.median(sample[column] for sample in samples[case, server])
    for case, (transport, _, _, cpu_bound, median_bound, grpc_bound, ttrpc_bound) in CASES.items():
        for column, name, bound in ((0, "cpu", cpu_bound), (1, "p50", median_bound), (2, "p99", None)):
            figures.add(
                f"rpc.{case}.{name}", middle(case, "wgmd", column), "us", middle(case, "floor", column), bound,
                ratio(samples, case, column, "wgmd", "floor"), of_ratio=True,
            )
        for server, bound in (("grpc", grpc_bound), ("ttrpc", ttrpc_bound)):
            if (case, server) in samples:
                figures.add(
                    f"rpc.{case}.cpu_to_{server}", middle(case, "wgmd", 0), "us", middle(case, server, 0), bound,
                    ratio(samples, case, 0, "wgmd", server), of_ratio=True,
                )
        figures.add(f"rpc.{case}.calls", middle(case, "wgmd", 3), "1/s", middle(case, "floor", 3))
    most = max(sample[4] for (case, server), column in samples.items() if server == "wgmd" and CASES[case][1] == 64 for sample in column)
    figures.add("rpc.resident_64_connections", most, "MB", bound=35)


def measure_process(figures):
    medians = interleaved(
        15, ours=lambda: wgmctl("peer", "show", "wg0", "peer0001"), grpc=lambda: timed(programs + "/grpc", "call", f"unix:{folder}/grpc.sock")
    )
    for kind, name in enumerate(("wgmctl", "wgmctl.cpu")):
        figures.add(f"rpc.{name}", medians["ours"][kind], "ms", medians["grpc"][kind], 12 if kind == 0 else None)
    figures.add("rpc.wgmctl_to_grpc", medians["ours"][0], "ms", medians["grpc"][0], 1, of_ratio=True)


servers = start_servers()
samples = {}
wanted = os.environ.get("CASE_NAMES", "").split() or list(CASES)
for _ in range(ROUNDS):
    for case in wanted:
        transport, connections, in_flight = CASES[case][:3]
        for server, loads in servers.items():
            if transport in loads:
                samples.setdefault((case, server), []).append(call(programs, loads[transport](str(connections), str(in_flight), names(case))))
CASES = {case: CASES[case] for case in CASES if case in wanted}
figures = Figures()
report(figures, samples)
measure_process(figures)
figures.write(folder, "rpc", as_json, f"{os.cpu_count()} cores; medians of {ROUNDS} rounds of {SECONDS} s, ratios within each round")
