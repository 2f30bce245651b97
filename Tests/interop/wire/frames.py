# SPDX-License-Identifier: Apache-2.0
"""Sections 1 and 2: the preface, frames, and the rules that a header must keep."""

from dataclasses import dataclass
from enum import IntEnum

PREFACE = b"\x89WGM\x01\x00\r\n"
MAJOR_AT = 4
HEADER_BYTES = 12
LAST_STREAM = 0x7FFFFFFF


class Type(IntEnum):
    """What a frame is. Others below 0x80 end the connection, from 0x80 on they are skipped."""

    HELLO = 1
    AUTH = 2
    AUTHED = 3
    CALL = 4
    DATA = 5
    END = 6
    CANCEL = 7
    WINDOW = 8
    PING = 9
    GOAWAY = 10


END_STREAM = 0x01
HAS_MESSAGE = 0x02
MORE = 0x04
ACK = 0x01

FLAGS = {
    Type.CALL: END_STREAM | HAS_MESSAGE,
    Type.DATA: END_STREAM | HAS_MESSAGE | MORE,
    Type.END: HAS_MESSAGE,
    Type.PING: ACK,
}
ABOUT_CONNECTION = {Type.HELLO, Type.AUTH, Type.AUTHED, Type.PING, Type.GOAWAY}


class Reason(IntEnum):
    """Why a connection ends: the codes of GOAWAY."""

    SHUTDOWN = 0
    VERSION = 1
    PREFACE = 2
    PROTOCOL = 3
    TOO_LARGE = 4
    MALFORMED = 5
    TOO_MANY_CONNECTIONS = 6
    HANDSHAKE_LIMIT = 7
    TIMEOUT = 8
    CALM = 9
    NOT_READING = 10
    IDLE = 11
    UNKNOWN_CALLER = 12
    INTERNAL = 13


class ConnectionFault(Exception):
    """A rule of the connection is broken: say GOAWAY and close."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(f"{reason.name}: {words}")
        self.reason = reason
        self.words = words


@dataclass(frozen=True)
class Header:
    """The twelve bytes before each payload."""

    length: int
    stream: int
    type: int
    flags: int
    aux: int

    @staticmethod
    def read(raw: bytes) -> "Header":
        return Header(
            length=int.from_bytes(raw[0:4], "big"),
            stream=int.from_bytes(raw[4:8], "big"),
            type=raw[8],
            flags=raw[9],
            aux=int.from_bytes(raw[10:12], "big"),
        )

    def judge(self, limits: dict[Type, int], unknown_limit: int) -> None:
        """The rules that need no memory of earlier frames. A type without a limit is not for this side."""
        if self.stream > LAST_STREAM:
            raise ConnectionFault(Reason.PROTOCOL, "bit 31 of the stream is set")
        if self.type not in Type.__members__.values():
            self._judge_unknown(unknown_limit)
            return
        kind = Type(self.type)
        if kind not in limits:
            raise ConnectionFault(Reason.PROTOCOL, f"{kind.name} is not for this side")
        if self.length > limits[kind]:
            raise ConnectionFault(Reason.TOO_LARGE, f"{kind.name} of {self.length} bytes, {limits[kind]} are allowed")
        if self.flags & ~FLAGS.get(kind, 0):
            raise ConnectionFault(Reason.PROTOCOL, f"{kind.name} with reserved flags")
        if self.aux > (8 if kind is Type.CALL else 0):
            raise ConnectionFault(Reason.PROTOCOL, f"{kind.name} with aux {self.aux}")
        if kind is not Type.WINDOW and (kind in ABOUT_CONNECTION) != (self.stream == 0):
            raise ConnectionFault(Reason.PROTOCOL, f"{kind.name} on stream {self.stream}")

    def _judge_unknown(self, limit: int) -> None:
        if self.type < 0x80:
            raise ConnectionFault(Reason.PROTOCOL, f"type {self.type} is unknown")
        if self.length > limit:
            raise ConnectionFault(Reason.TOO_LARGE, f"unknown frame of {self.length} bytes")


def frame(kind: Type, payload: bytes = b"", *, stream: int = 0, flags: int = 0, aux: int = 0) -> bytes:
    """A frame as bytes."""
    head = len(payload).to_bytes(4, "big") + stream.to_bytes(4, "big") + bytes([kind, flags]) + aux.to_bytes(2, "big")
    return head + payload
