#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a program on a terminal of its own, and says what came of it.

    terminal.py COLUMNSxLINES PROGRAM ARGUMENT... < STEPS

Each line of standard input is a step: `wait TEXT` until the program has written TEXT since the last step that waited,
`type TEXT` (with Python's escapes), `size COLUMNSxLINES`, `signal NAME`, `pause SECONDS`. Then the program must end by itself. Prints a JSON object: code (128 + signal, as a shell says it), output,
restored (the terminal's settings are what they were), failure (the step that did not come about, else null).
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 20


class Failed(Exception):
    pass


class Session:
    def __init__(self, size, command):
        self.output = ""
        self.seen = 0
        self.code = None
        self.master, self.slave = pty.openpty()
        self.resize(size)
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            # What starts this program may have signals blocked or ignored.
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGCONT):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for number in range(3):
                os.dup2(self.slave, number)
            os.close(self.master)
            os.execv(command[0], command)

    def resize(self, size):
        columns, lines = map(int, size.split("x"))
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            self.output += os.read(self.master, 65536).decode(errors="replace")

    def until(self, what, is_met):
        end = time.monotonic() + PATIENCE
        while not is_met():
            if time.monotonic() > end:
                raise Failed(what)
            self.read(0.05)

    def wait_for(self, text):
        def is_there():
            place = self.output.find(text, self.seen)
            if place >= 0:
                self.seen = place + len(text)
            return place >= 0

        self.until("wait " + text, is_there)

    def is_over(self):
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def settings(self):
        return termios.tcgetattr(self.slave)

    def step(self, line):
        verb, _, rest = line.partition(" ")
        if verb == "wait":
            self.wait_for(rest)
        elif verb == "type":
            os.write(self.master, rest.encode().decode("unicode_escape").encode("latin-1"))
        elif verb == "size":
            self.resize(rest)
        elif verb == "signal":
            os.kill(self.pid, getattr(signal, "SIG" + rest))
        elif verb == "pause":
            end = time.monotonic() + float(rest)
            while time.monotonic() < end:
                self.read(0.05)
        else:
            raise Failed("no such step: " + line)


def main():
    session = Session(sys.argv[1], sys.argv[2:])
    failure = None
    try:
        for line in sys.stdin.read().splitlines():
            session.step(line)
        session.until("end", session.is_over)
    except Failed as failed:
        failure = str(failed)
    if not session.is_over():
        os.kill(session.pid, signal.SIGKILL)
        os.waitpid(session.pid, 0)
    session.read(0.1)
    code = session.code if session.code is None or session.code >= 0 else 128 - session.code
    restored = session.settings() == session.before
    print(json.dumps({"code": code, "output": session.output, "restored": restored, "failure": failure}))


main()
