# SPDX-License-Identifier: Apache-2.0
"""What ten thousand bad callers cost an honest one: hostile.py FOLDER PROGRAMS [JSON]. Runs inside a gateway's namespaces.

In each round the honest caller, with one call in flight, is alone for a while and then has them beside him.
"""
import os
import statistics
import subprocess
import sys

from figures import Figures, pid_of, resident
from gateway import call, prepare

folder, programs, as_json = sys.argv[1], sys.argv[2], sys.argv[3:] not in ([], [""])
CALLERS, ROUNDS, SECONDS = 10_000, 5, 3
socket = folder + "/run/wgmd.sock"
prepare(folder)
wgmd = pid_of("wgmd")


def honest():
    """The median and 99th percentile of a call, in microseconds."""
    _, median, late, _, _ = call(programs, ["load", wgmd, str(SECONDS - 1), "1", "1", folder + "/tls/unix.token", "1000", "unix", socket])
    return median, late


def bad():
    """Of another user, who may open the socket; with low priority, since in truth they have machines of their own."""
    user = ["setpriv", "--reuid", "65534", "--regid", "wgm", "--clear-groups", "nice", "-n", "19"]
    return subprocess.Popen([*user, programs + "/hostile", str(CALLERS // ROUNDS), str(SECONDS), socket, "51821"], stdout=subprocess.PIPE, text=True)


honest()
before = resident(wgmd)
alone, beside, opened, closed = [], [], 0, 0
for _ in range(ROUNDS):
    alone.append(honest())
    crowd = bad()
    beside.append(honest())
    counts = crowd.communicate()[0].split()
    if crowd.returncode:
        sys.exit("the bad callers did not come")
    opened, closed = opened + int(counts[0]), closed + int(counts[1])
figures = Figures()
for column, name, bound in ((0, "p50", None), (1, "p99", 2)):
    ratio = statistics.median(b[column] / a[column] for a, b in zip(alone, beside))
    middle = [statistics.median(sample[column] for sample in samples) for samples in (beside, alone)]
    figures.add(f"hostile.{name}", middle[0], "us", middle[1], bound, ratio, of_ratio=True)
figures.add("hostile.callers", opened, "")
figures.add("hostile.closed", closed, "")
with open(f"/proc/{wgmd}/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
figures.add("hostile.resident_peak", peak, "MB", before)
figures.write(folder, "hostile", as_json, f"{os.cpu_count()} cores; {ROUNDS} rounds of {SECONDS} s each, alone and beside {CALLERS // ROUNDS} bad callers")
