# SPDX-License-Identifier: Apache-2.0
"""What each known attack costs the server and how it is answered: attacks.py FOLDER [JSON]. Runs inside a gateway's namespaces.

Each attack has some connections at a time for SECONDS, opened anew whenever the server closes one. Its memory is the highest resident
one since the attack began (VmHWM, set back before).
"""
import collections
import os
import selectors
import socket
import subprocess
import sys
import time

from figures import Figures, pid_of, resident
from gateway import PEERS, prepare

folder, as_json = sys.argv[1], sys.argv[2:] not in ([], [""])
SECONDS, MOST_MB = float(os.environ.get("ATTACK_SECONDS", 6)), 144
PATH = folder + "/run/wgmd.sock"
PREFACE = b"\x89WGM\x01\x00\r\n"
HELLO, AUTH, AUTHED, CALL, DATA, END, CANCEL, WINDOW, PING, GOAWAY, UNKNOWN = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x90
END_STREAM, HAS_MESSAGE, MORE = 1, 2, 4
GOAWAYS = "SHUTDOWN VERSION PREFACE PROTOCOL TOO_LARGE MALFORMED TOO_MANY_CONNECTIONS HANDSHAKE_LIMIT TIMEOUT CALM NOT_READING IDLE UNKNOWN_CALLER INTERNAL".split()
CODES = {0: "OK", 1: "CANCELLED", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 8: "RESOURCE_EXHAUSTED", 14: "UNAVAILABLE", 16: "UNAUTHENTICATED"}


def varint(number):
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(payload):
    """The last value of each field."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = payload[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(payload):
        tag = number()
        value = number()
        if tag & 7 == 2:
            value, at = payload[at : at + value], at + value
        found[tag >> 3] = value
    return found


def frame(kind, payload=b"", stream=0, flags=0, aux=0):
    return len(payload).to_bytes(4, "big") + stream.to_bytes(4, "big") + bytes([kind, flags]) + aux.to_bytes(2, "big") + payload


def call(stream, method, message=b"", flags=END_STREAM | HAS_MESSAGE):
    payload = field(1, method) + (field(7, message) if flags & HAS_MESSAGE else b"")
    return frame(CALL, payload, stream, flags, 1)


with_token = None  # preface, HELLO and AUTH
LIST, CREATE, WATCH = b"wgm.v1.Peers/List", b"wgm.v1.Peers/Create", b"wgm.v1.Events/Watch"


def streams():
    return range(1, 1 << 31, 2)


# Each attack yields what is sent next on one connection; a number is a pause in seconds.
def rapid_reset():
    yield with_token
    for stream in streams():
        yield call(stream, LIST) + frame(CANCEL, stream=stream)


def ping_flood():
    yield with_token
    while True:
        yield frame(PING, b"12345678")


def empty_frames():
    yield with_token
    while True:
        yield frame(UNKNOWN) * 1000


def empty_parts():
    yield with_token + call(1, CREATE, flags=0)
    while True:
        yield frame(DATA, stream=1, flags=HAS_MESSAGE | MORE)


def dribble():
    yield with_token
    for byte in call(1, LIST, bytes(1000)):
        yield bytes([byte])
        yield 0.05


def fragments_without_end():
    """A message is never complete, and as many begin as there is credit for; then the next stream."""
    yield with_token
    for stream in streams():
        yield call(stream, CREATE, flags=0)
        for _ in range(4):
            yield frame(DATA, bytes(65536 - 12), stream, HAS_MESSAGE | MORE)


def held_calls():
    """Messages of calls that are whole and whose end is never said: as many as may be open, then CANCEL and again."""
    yield with_token
    for stream in streams():
        yield call(stream, CREATE, bytes(60000), HAS_MESSAGE)
        if stream > 126:
            yield frame(CANCEL, stream=stream - 126)
            yield 0.01


def pipelined():
    """Calls of one connection that are all answered at once, as many as it may have."""
    yield with_token
    for stream in streams():
        yield call(stream, b"wgm.v1.Auth/WhoAmI", b"", END_STREAM)


def fragments_over_limit():
    """Of a method whose requests have 64 KiB at most, again and again."""
    yield with_token
    for stream in streams():
        yield call(stream, LIST, flags=0) + frame(DATA, bytes(40000), stream, HAS_MESSAGE | MORE) * 2


def slow_preface():
    for byte in PREFACE + frame(HELLO):
        yield bytes([byte])
        yield 0.5


def huge_length():
    yield with_token + b"\xff\xff\xff\xff" + bytes(3) + b"\x01" + bytes([CALL, 3, 0, 1])
    while True:
        yield bytes(65536)


def never_reads():
    yield with_token
    for stream in streams():
        yield call(stream, LIST)


def reads_one_stream():
    """Sixteen streams of samples with a window for hardly one; credit for the first alone."""
    hello = frame(HELLO, field(6, 20000) + field(9, 1 << 24))
    yield PREFACE + hello + with_token[len(PREFACE + frame(HELLO)) :]
    for stream in range(1, 33, 2):
        yield call(stream, WATCH, field(4, 1000))
    while True:
        yield frame(WINDOW, (1 << 20).to_bytes(4, "big"), 1) + frame(WINDOW, (1 << 20).to_bytes(4, "big"), 0)
        yield 0.2


class Connection:
    """One connection of an attack, and what the server said on it."""

    def __init__(self, attack, reads, answers):
        self.script, self.reads, self.answers = attack(), reads, answers
        self.pending, self.received, self.not_before = b"", b"", 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(PATH)
        self.socket.setblocking(False)

    def send(self):
        """Bytes that went out, of a hundred steps of the script at most; less than 0 when the server has closed."""
        total = 0
        for _ in range(100):
            if not self.pending and not self.take_step():
                break
            try:
                count = self.socket.send(self.pending)
            except BlockingIOError:
                break
            except OSError:
                return -1
            total, self.pending = total + count, self.pending[count:]
        return total

    def take_step(self):
        """False when there is nothing to send now."""
        if time.monotonic() < self.not_before:
            return False
        step = next(self.script, b"")
        if isinstance(step, bytes):
            self.pending = step
            return step != b""
        self.not_before = time.monotonic() + step
        return False

    def receive(self, last=False):
        """False when the server has closed."""
        if not (self.reads or last):
            return True
        try:
            while more := self.socket.recv(1 << 20):
                self.received += more
                self.parse()
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def parse(self):
        if self.received.startswith(PREFACE):
            self.received = self.received[8:]
        while len(self.received) >= 12:
            length, kind = int.from_bytes(self.received[:4], "big"), self.received[8]
            if len(self.received) < 12 + length:
                return
            payload, self.received = self.received[12 : 12 + length], self.received[12 + length :]
            if kind == GOAWAY:
                said = fields(payload)
                self.answers[f"GOAWAY {GOAWAYS[said.get(2, 0)]}: {said.get(3, b'').decode()}"] += 1
            elif kind == END:
                said = fields(payload)
                self.answers[f"END {CODES.get(said.get(1), said.get(1))}: {said.get(2, b'').decode()}"] += 1

    def is_closed(self):
        """Of one that does not read: a closed Unix socket refuses what is sent."""
        return not self.receive()


def restart_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def peak(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def run(attack, connections, reads):
    answers = collections.Counter()
    crowd, opened, sent, closed = [], 0, 0, 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        while len(crowd) < connections:
            crowd.append(Connection(attack, reads, answers))
            opened += 1
        selector = selectors.DefaultSelector()
        for one in crowd:
            selector.register(one.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if one.pending else 0), one)
        selector.select(0.005)
        selector.close()
        for one in list(crowd):
            count = one.send()
            sent += max(count, 0)
            if count < 0 or one.is_closed():
                one.receive(last=True)
                one.socket.close()
                crowd.remove(one)
                closed += 1
    for one in crowd:
        one.receive(last=True)
        one.socket.close()
    return opened, closed, sent, answers


def until_served():
    """Seconds until an honest call of the same user is answered; what the attack had begun may still have to end."""
    began = time.monotonic()
    while time.monotonic() < began + 20:
        if not subprocess.run(["wgmctl", "--socket", PATH, "peer", "show", "wg0", "peer0001"], capture_output=True).returncode:
            return time.monotonic() - began
        time.sleep(0.1)
    sys.exit("no honest call is answered after the attack")


# How many connections at a time, of the 64 that one user may have; whether the replies are read. One principal has 16 watches.
ATTACKS = {
    "rapid_reset": (rapid_reset, 16, True),
    "ping_flood": (ping_flood, 16, True),
    "empty_frames": (empty_frames, 16, True),
    "empty_parts": (empty_parts, 16, True),
    "dribble": (dribble, 16, True),
    "fragments_without_end": (fragments_without_end, 60, True),
    "held_calls": (held_calls, 60, True),
    "pipelined": (pipelined, 16, True),
    "fragments_over_limit": (fragments_over_limit, 16, True),
    "slow_preface": (slow_preface, 16, True),
    "huge_length": (huge_length, 16, True),
    "never_reads": (never_reads, 16, False),
    "reads_one_stream": (reads_one_stream, 1, True),
}

wgmctl = prepare(folder)
os.environ["WGM_SOCKET"] = PATH
wgmctl("token", "issue", "--output-file", folder + "/attacker.token")
with open(folder + "/attacker.token", "rb") as file:
    with_token = PREFACE + frame(HELLO) + frame(AUTH, field(1, 1) + field(2, file.read().strip()))
wgmd = pid_of("wgmd")
figures = Figures()
words = [f"{os.cpu_count()} cores; {SECONDS:g} s each, {PEERS} peers; what the server answered, how often:"]
for name in os.environ.get("ATTACKS", "").split() or ATTACKS:
    before = resident(wgmd)
    restart_peak(wgmd)
    opened, closed, sent, answers = run(*ATTACKS[name])
    figures.add(f"attack.{name}.resident_peak", peak(wgmd), "MB", before, bound=MOST_MB)
    figures.add(f"attack.{name}.connections", opened, "")
    figures.add(f"attack.{name}.sent", sent / 1e6, "MB")
    words.append(f"{name}: {ATTACKS[name][1]} connections at a time, {closed} of {opened} closed by the server")
    words += [f"    {count:7} {text[:100]}" for text, count in answers.most_common(4)] or ["          no answer"]
    figures.add(f"attack.{name}.served_after", until_served(), "s", bound=10)
figures.write(folder, "attacks", as_json, "\n".join(words))
