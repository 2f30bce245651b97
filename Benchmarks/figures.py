# SPDX-License-Identifier: Apache-2.0
"""What every part of the benchmark needs: whole processes timed, interleaved rounds, and the report."""
import json
import os
import statistics
import subprocess
import sys
import time


class Figures:
    """Rows of the report; a bound is on the value, or on the ratio when `of_ratio` is set."""

    def __init__(self):
        self.rows = []

    def add(self, name, value, unit, floor=None, bound=None, ratio=None, of_ratio=False):
        if ratio is None and floor:
            ratio = value / floor
        digits = lambda number: None if number is None else round(number, 2)
        self.rows.append(
            dict(name=name, value=digits(value), unit=unit, floor=digits(floor), ratio=digits(ratio), bound=digits(bound), of_ratio=of_ratio)
        )

    def write(self, folder, part, as_json, words):
        """FOLDER/report-PART for people or programs, and FOLDER/over when a bound was not kept."""
        over = [row for row in self.rows if row["bound"] is not None and row["ratio" if row["of_ratio"] else "value"] > row["bound"]]
        with open(f"{folder}/report-{part}", "w") as report:
            if as_json:
                report.writelines(json.dumps({key: row[key] for key in row if key != "of_ratio"} | {"bound_is_on": "ratio" if row["of_ratio"] else "value"}) + "\n" for row in self.rows)
            else:
                report.write(f"{'figure':36} {'value':>9} {'unit':7} {'floor':>9} {'ratio':>7} {'bound':>8}\n")
                for row in self.rows:
                    cells = ["" if row[key] is None else str(row[key]) for key in ("value", "floor", "ratio")]
                    bound = "" if row["bound"] is None else f"{row['bound']:g}{' x' if row['of_ratio'] else ''}"
                    report.write(f"{row['name']:36} {cells[0]:>9} {row['unit']:7} {cells[1]:>9} {cells[2]:>7} {bound:>8}{'  over' if row in over else ''}\n")
                report.write(words + "\n")
        if over:
            open(folder + "/over", "w").close()


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


def pid_of(program):
    """The oldest process of that name among those of this network namespace."""
    found = subprocess.run(["pgrep", "--ns", str(os.getpid()), "--nslist", "net", "-o", "-x", program], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def resident(pid):
    """Megabytes."""
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def memory(pid):
    """Megabytes now, and the most there ever were."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]


def wait_for(path):
    for _ in range(100):
        if os.path.exists(path):
            return
        time.sleep(0.1)
    sys.exit(f"{path} did not appear")


class Wgmctl:
    def __init__(self, socket):
        self.socket = socket
        os.environ.update(XDG_RUNTIME_DIR="/run/gateway/user", NO_COLOR="1")
        os.makedirs("/run/gateway/user", mode=0o700, exist_ok=True)

    def __call__(self, *arguments):
        return timed("wgmctl", "--socket", self.socket, *arguments)
