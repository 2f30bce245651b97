# SPDX-License-Identifier: Apache-2.0
"""Messages on their way in: parts put together, and the other side's credit kept."""

from collections import deque

from .credit import Allowance, cost
from .frames import END_STREAM, HAS_MESSAGE, MORE, ConnectionFault, Header, Reason
from .status import Code, Status

COMBINATIONS = {HAS_MESSAGE, HAS_MESSAGE | MORE, HAS_MESSAGE | END_STREAM, END_STREAM}


class Incoming:
    """One direction of one stream."""

    def __init__(self, window: int, limit: int, from_server: bool) -> None:
        self.allowance = Allowance(window)
        self.limit = limit
        self.from_server = from_server
        self.messages: deque[tuple[bytes, int]] = deque()
        self.ended = False
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def is_between_messages(self) -> bool:
        return not self._parts

    def take(self, header: Header, payload: bytes) -> int:
        """One DATA frame; returns what is to be given back on arrival. A message over the limit raises a status."""
        self._judge(header)
        if not header.flags & HAS_MESSAGE:
            self.ended = True
            return 0
        price = cost(len(payload))
        self.allowance.charge(price)
        self._parts.append(payload)
        self._size += len(payload)
        if self._size > self.limit:
            raise Status(Code.RESOURCE_EXHAUSTED, f"a message of more than {self.limit} bytes")
        if header.flags & MORE:
            return price
        self.messages.append((b"".join(self._parts), price))
        self._parts, self._size = [], 0
        self.ended = bool(header.flags & END_STREAM)
        return 0

    def _judge(self, header: Header) -> None:
        flags = header.flags
        if flags not in COMBINATIONS or (self.from_server and flags & END_STREAM):
            raise ConnectionFault(Reason.PROTOCOL, f"DATA with flags {flags}")
        if flags & MORE and header.length == 0:
            raise ConnectionFault(Reason.PROTOCOL, "an empty part")
        if flags == END_STREAM and (header.length > 0 or self._parts):
            raise ConnectionFault(Reason.PROTOCOL, "END_STREAM alone with a payload or within a message")
        if self.ended:
            raise ConnectionFault(Reason.PROTOCOL, "DATA after END_STREAM")
