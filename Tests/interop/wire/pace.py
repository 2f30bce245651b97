# SPDX-License-Identifier: Apache-2.0
"""Section 8: what may come how often, and how much before a token is accepted."""

import asyncio
import time
from collections import deque

from .frames import HEADER_BYTES, ConnectionFault, Header, Reason

PING_SECONDS = 5
PING_STRIKES = 3


class Handshake:
    """The time until a token is accepted."""

    seconds = 5
    most_bytes = 32768
    most_frames = 8
    most_tokens = 3

    def __init__(self) -> None:
        self.limit: asyncio.Timeout | None = None
        self._over = False
        self._bytes = 0
        self._frames = 0
        self._tokens = 0

    def note(self, header: Header) -> None:
        if self._over:
            return
        self._bytes += HEADER_BYTES + header.length
        self._frames += 1
        if self._bytes > self.most_bytes or self._frames > self.most_frames:
            raise ConnectionFault(Reason.HANDSHAKE_LIMIT, "too many bytes or frames before a token was accepted")

    def judged(self, accepted: bool) -> None:
        if accepted:
            self._over = True
            if self.limit is not None:
                self.limit.reschedule(None)
        elif not self._over:
            self._tokens += 1
            if self._tokens >= self.most_tokens:
                raise ConnectionFault(Reason.HANDSHAKE_LIMIT, f"{self._tokens} tokens were refused")


class Window:
    """At most `most` within `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._times: deque[float] = deque()

    def admits(self) -> bool:
        now = time.monotonic()
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        self._times.append(now)
        return len(self._times) <= self._most


class Pace:
    """Who is too fast is told to be calm, and let go."""

    def __init__(self) -> None:
        self._cancels = Window(200, 1)
        self._tokens = Window(32, 60)
        self._refusals = Window(200, 1)
        self._last_ping = -PING_SECONDS
        self._strikes = 0

    def note_ping(self) -> None:
        now = time.monotonic()
        self._strikes = self._strikes + 1 if now - self._last_ping < PING_SECONDS else 0
        self._last_ping = now
        if self._strikes >= PING_STRIKES:
            raise ConnectionFault(Reason.CALM, "PING too often")

    def note_cancel(self) -> None:
        self._admit(self._cancels, "CANCEL")

    def note_auth(self) -> None:
        self._admit(self._tokens, "AUTH")

    def note_refusal(self) -> None:
        self._admit(self._refusals, "CALL that cannot be begun")

    def _admit(self, window: Window, name: str) -> None:
        if not window.admits():
            raise ConnectionFault(Reason.CALM, f"{name} too often")
