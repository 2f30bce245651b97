# SPDX-License-Identifier: Apache-2.0
"""What both sides of a connection have in common."""

import asyncio
from typing import Any

from google.protobuf.message import DecodeError

from .credit import CONNECTION_WINDOW, STREAM_WINDOW, Allowance
from .frames import ACK, HEADER_BYTES, MAJOR_AT, PREFACE, ConnectionFault, Header, Reason, Type, frame
from .receiving import Incoming
from .sending import Outbox

MAX_FRAME = 65536
MAX_MESSAGE = 1048576
ENVELOPE = 32768
FRAME_TIME = 30


class Endpoint:
    """One side of one connection: reads frames, answers PING, keeps both kinds of credit."""

    limits: dict[Type, int] = {}

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.outbox = Outbox(self.write)
        self.allowance = Allowance(CONNECTION_WINDOW)
        self.incoming: dict[int, Incoming] = {}
        self.peer: Any = None
        self.closing = False
        self._pings = 0

    def write(self, raw: bytes) -> None:
        if not self.closing:
            self.writer.write(raw)

    def ping(self, content: bytes = bytes(8)) -> None:
        self._pings += 1
        self.write(frame(Type.PING, content))

    async def read_preface(self) -> None:
        """Refuses at the first wrong byte."""
        for at, expected in enumerate(PREFACE):
            byte = (await self.reader.readexactly(1))[0]
            if at == MAJOR_AT and byte != expected:
                raise ConnectionFault(Reason.VERSION, f"major version {byte}")
            # Of two minor versions the lower is spoken, and 0 is the lowest.
            if at not in (MAJOR_AT, MAJOR_AT + 1) and byte != expected:
                raise ConnectionFault(Reason.PREFACE, "this is wgm")

    async def read_frames(self) -> None:
        """Until the other side closes."""
        while True:
            first = await self.reader.read(1)
            if not first:
                return
            async with asyncio.timeout(FRAME_TIME):
                header = Header.read(first + await self.reader.readexactly(HEADER_BYTES - 1))
                header.judge(self.limits, MAX_FRAME)
                self.note_frame(header)
                payload = await self.reader.readexactly(header.length)
            if header.type < 0x80:
                self.take(Type(header.type), header, payload)
            await self.writer.drain()

    def note_frame(self, header: Header) -> None:
        """For limits on what comes when."""

    def take(self, kind: Type, header: Header, payload: bytes) -> None:
        if self.peer is None and kind not in (Type.HELLO, Type.GOAWAY):
            raise ConnectionFault(Reason.PROTOCOL, f"{kind.name} before HELLO")
        handlers = {
            Type.HELLO: self._take_hello,
            Type.PING: self._take_ping,
            Type.WINDOW: self._take_window,
            Type.DATA: self.take_data,
        }
        handlers.get(kind, self.take_other)(header, payload)

    def take_other(self, header: Header, payload: bytes) -> None:
        raise NotImplementedError

    def take_data(self, header: Header, payload: bytes) -> None:
        raise NotImplementedError

    def is_known(self, stream: int) -> bool:
        """Whether the stream was ever opened."""
        raise NotImplementedError

    def parse(self, kind: Any, payload: bytes, name: str) -> Any:
        try:
            return kind.FromString(payload)
        except DecodeError as error:
            raise ConnectionFault(Reason.MALFORMED, f"{name}: {error}") from error

    def hello_class(self) -> Any:
        from wgm.v1.wire_pb2 import Hello

        return Hello

    def _take_hello(self, _: Header, payload: bytes) -> None:
        if self.peer is not None:
            raise ConnectionFault(Reason.PROTOCOL, "a second HELLO")
        hello = self.parse(self.hello_class(), payload, "HELLO")
        if len(hello.agent) > 128 or not all(" " <= sign <= "~" for sign in hello.agent):
            raise ConnectionFault(Reason.MALFORMED, "HELLO: the agent is not printable ASCII of at most 128 bytes")
        self.peer = hello
        self.outbox.max_frame = hello.max_frame if hello.HasField("max_frame") else MAX_FRAME
        window = hello.connection_window if hello.HasField("connection_window") else CONNECTION_WINDOW
        self.outbox.credit.left += window
        for outgoing in self.outbox.streams.values():
            outgoing.credit.left += self.peer_window
        self.outbox.pump()

    @property
    def peer_window(self) -> int:
        """With what credit a stream starts; nothing before HELLO."""
        if self.peer is None:
            return 0
        return self.peer.initial_window if self.peer.HasField("initial_window") else STREAM_WINDOW

    @property
    def peer_message(self) -> int:
        """The largest message that the other side takes in CALL or END."""
        return self.peer.max_message if self.peer is not None and self.peer.HasField("max_message") else MAX_MESSAGE

    def _take_ping(self, header: Header, payload: bytes) -> None:
        if len(payload) != 8:
            raise ConnectionFault(Reason.MALFORMED, "PING without 8 bytes")
        if header.flags & ACK:
            if self._pings == 0:
                raise ConnectionFault(Reason.PROTOCOL, "an ACK that nobody asked for")
            self._pings -= 1
        else:
            self.note_ping()
            self.write(frame(Type.PING, payload, flags=ACK))

    def note_ping(self) -> None:
        """For the limit on PING."""

    def _take_window(self, header: Header, payload: bytes) -> None:
        if len(payload) != 4:
            raise ConnectionFault(Reason.MALFORMED, "WINDOW without 4 bytes")
        amount = int.from_bytes(payload, "big")
        if header.stream == 0:
            self.outbox.credit.grant(amount)
        elif header.stream in self.outbox.streams:
            self.outbox.streams[header.stream].credit.grant(amount)
        elif not self.is_known(header.stream):
            raise ConnectionFault(Reason.PROTOCOL, f"WINDOW on stream {header.stream}, which was never opened")
        self.outbox.pump()

    def give(self, stream: int, amount: int) -> None:
        """Gives credit back to the other side: on a stream, or on 0 for the connection."""
        allowance = self.allowance if stream == 0 else self.incoming[stream].allowance
        if amount > 0 and (given := allowance.owe(amount)) > 0:
            self.write(frame(Type.WINDOW, given.to_bytes(4, "big"), stream=stream))

    def say_goaway(self, reason: Reason, words: str, last_stream: int) -> None:
        from wgm.v1.wire_pb2 import Goaway

        majors = [1] if reason is Reason.VERSION else []
        goaway = Goaway(last_stream=last_stream, code=reason, message=words[:1024], majors=majors)
        self.write(frame(Type.GOAWAY, goaway.SerializeToString()))

    async def close(self) -> None:
        """At most one second for what is still to be delivered."""
        self.closing = True
        self.writer.close()
        try:
            async with asyncio.timeout(1):
                await self.writer.wait_closed()
        except (TimeoutError, OSError):
            self.writer.transport.abort()
