# SPDX-License-Identifier: Apache-2.0
"""Messages on their way out: cut into parts as credit and frames allow, one frame of each stream in turn."""

from collections import deque
from collections.abc import Callable

from .credit import Credit, cost
from .frames import END_STREAM, HAS_MESSAGE, HEADER_BYTES, MORE, Type, frame


class Outgoing:
    """What one stream still has to send."""

    def __init__(self, window: int) -> None:
        self.credit = Credit(window)
        self.messages: deque[tuple[memoryview, bool]] = deque()
        # Called once everything has been written.
        self.when_empty: Callable[[], None] | None = None


class Outbox:
    """The writing half of a connection. Control frames leave at once, DATA when both credits cover it."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self.credit = Credit(0)
        self.max_frame = 65536
        self.streams: dict[int, Outgoing] = {}
        self._turn: deque[int] = deque()

    def add(self, stream: int, outgoing: Outgoing) -> None:
        self.streams[stream] = outgoing
        self._turn.append(stream)

    def drop(self, stream: int) -> None:
        if self.streams.pop(stream, None) is not None:
            self._turn.remove(stream)

    def send(self, stream: int, message: bytes, last: bool = False) -> None:
        self.streams[stream].messages.append((memoryview(message), last))
        self.pump()

    def end(self, stream: int) -> None:
        """END_STREAM: with the last message if that still waits, else alone."""
        messages = self.streams[stream].messages
        if messages:
            message, _ = messages.pop()
            messages.append((message, True))
        else:
            self._write(frame(Type.DATA, stream=stream, flags=END_STREAM))

    def pump(self) -> None:
        """Sends while there is something that the credits cover."""
        idle = 0
        while idle < len(self._turn):
            stream = self._turn[0]
            self._turn.rotate(-1)
            idle = 0 if self._send_one(stream) else idle + 1

    def _send_one(self, stream: int) -> bool:
        outgoing = self.streams[stream]
        if not outgoing.messages:
            return False
        message, last = outgoing.messages[0]
        room = min(self.max_frame, outgoing.credit.left - HEADER_BYTES, self.credit.left - HEADER_BYTES)
        if room < min(1, len(message)):
            return False
        part = message[:room]
        whole = len(part) == len(message)
        flags = HAS_MESSAGE | (0 if whole else MORE) | (END_STREAM if whole and last else 0)
        self._write(frame(Type.DATA, bytes(part), stream=stream, flags=flags))
        for credit in (outgoing.credit, self.credit):
            credit.left -= cost(len(part))
        if whole:
            outgoing.messages.popleft()
        else:
            outgoing.messages[0] = (message[room:], last)
        if not outgoing.messages and outgoing.when_empty is not None:
            outgoing.when_empty()
        return True
