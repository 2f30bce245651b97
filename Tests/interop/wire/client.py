# SPDX-License-Identifier: Apache-2.0
"""The client's side."""

import asyncio
from collections.abc import Sequence
from typing import Any

from .credit import STREAM_WINDOW, cost
from .endpoint import ENVELOPE, MAX_FRAME, MAX_MESSAGE, Endpoint
from .frames import END_STREAM, HAS_MESSAGE, PREFACE, ConnectionFault, Header, Reason, Type, frame
from .receiving import Incoming
from .sending import Outgoing
from .status import Code, Outcome, Status

AGENT = "wgm-interop-python/1"


class Call:
    """One call that runs, seen by its caller."""

    def __init__(self, client: "Client", stream: int) -> None:
        self.stream = stream
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.arrived = asyncio.Event()
        self._client = client

    def send(self, message: bytes, last: bool = False) -> None:
        if self.stream in self._client.outbox.streams:
            self._client.outbox.send(self.stream, message, last)

    def end(self) -> None:
        if self.stream in self._client.outbox.streams:
            self._client.outbox.end(self.stream)

    def cancel(self) -> None:
        if not self.outcome.done():
            self._client.write(frame(Type.CANCEL, stream=self.stream))

    async def receive(self) -> bytes | None:
        """The next message, that of END among them; None when there is none any more."""
        incoming = self._client.incoming[self.stream]
        while not incoming.messages:
            if incoming.ended:
                return None
            self.arrived.clear()
            await self.arrived.wait()
        message, price = incoming.messages.popleft()
        if not incoming.ended:
            self._client.give(self.stream, price)
        return message

    async def finish(self) -> tuple[Outcome, list[bytes]]:
        """Waits for END; the messages that nobody has received yet."""
        messages = []
        while (message := await self.receive()) is not None:
            messages.append(message)
        return await self.outcome, messages


class Client(Endpoint):
    """A connection to a server."""

    limits = {
        Type.HELLO: 1024,
        Type.AUTHED: 32768,
        Type.END: MAX_MESSAGE + ENVELOPE,
        Type.DATA: MAX_FRAME,
        Type.WINDOW: 4,
        Type.PING: 8,
        Type.GOAWAY: 4096,
    }

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.calls: dict[int, Call] = {}
        self.goaway: Any = None
        self._next = 1
        self._verdicts: asyncio.Queue[Any] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None

    @staticmethod
    async def connect(path: str) -> "Client":
        client = Client(*await asyncio.open_unix_connection(path))
        hello = client.hello_class()(agent=AGENT, max_frame=MAX_FRAME, max_message=MAX_MESSAGE)
        client.write(PREFACE + frame(Type.HELLO, hello.SerializeToString()))
        client._reading = asyncio.create_task(client._read())
        return client

    async def _read(self) -> None:
        words = "the server closed the connection"
        try:
            await self.read_preface()
            await self.read_frames()
        except ConnectionFault as fault:
            words = f"the server broke the protocol: {fault}"
            self.say_goaway(fault.reason, fault.words, 0)
        except (EOFError, OSError, TimeoutError) as error:
            words = f"the connection was lost: {error}"
        if self.goaway is not None:
            words += f" ({Reason(self.goaway.code).name}: {self.goaway.message})"
        for stream in list(self.calls):
            self._end(stream, Outcome(Code.UNAVAILABLE, words))
        self._verdicts.put_nowait(Status(Code.UNAVAILABLE, words))

    def authenticate(self, token: str, slot: int = 1) -> None:
        """Sends AUTH; `verdict` waits for what becomes of it."""
        from wgm.v1.wire_pb2 import Authenticate

        self.write(frame(Type.AUTH, Authenticate(slot=slot, token=token).SerializeToString()))

    async def verdict(self) -> Any:
        """The next AUTHED."""
        verdict = await self._verdicts.get()
        if isinstance(verdict, Status):
            raise verdict
        return verdict

    def open(
        self,
        method: str,
        message: bytes | None = None,
        *,
        ended: bool = False,
        slot: int = 1,
        timeout_ms: int = 0,
        key: bytes | None = None,
        metadata: Sequence[tuple[str, bytes]] = (),
    ) -> Call:
        """Sends CALL. A message that CALL may not carry goes after it as DATA."""
        from wgm.v1.wire_pb2 import Call as CallMessage
        from wgm.v1.wire_pb2 import MetadataPair

        stream, self._next = self._next, self._next + 2
        pairs = [MetadataPair(key=name, value=value) for name, value in metadata]
        content = CallMessage(method=method, metadata=pairs, idempotency_key=key)
        if timeout_ms > 0:
            content.timeout_ms = timeout_ms
        large = message is not None and len(message) > self.peer_message
        if message is not None and not large:
            content.message = message
        flags = (END_STREAM if ended and not large else 0) | (HAS_MESSAGE if content.HasField("message") else 0)
        call = self.calls[stream] = Call(self, stream)
        self.incoming[stream] = Incoming(STREAM_WINDOW, MAX_MESSAGE, from_server=True)
        self.write(frame(Type.CALL, content.SerializeToString(), stream=stream, flags=flags, aux=slot))
        if not flags & END_STREAM:
            self.outbox.add(stream, Outgoing(self.peer_window))
        if large:
            call.send(message, last=ended)
        return call

    async def call(self, method: str, message: bytes | None, **options: Any) -> tuple[Outcome, list[bytes]]:
        """A call whose whole request is there."""
        return await self.open(method, message, ended=True, **options).finish()

    async def leave(self) -> None:
        """Says goodbye and waits until the server closes."""
        self.say_goaway(Reason.SHUTDOWN, "done", 0)
        if self._reading is not None:
            async with asyncio.timeout(15):
                await self._reading
        await self.close()

    def is_known(self, stream: int) -> bool:
        return stream % 2 == 1 and stream < self._next

    def take_other(self, header: Header, payload: bytes) -> None:
        from wgm.v1.wire_pb2 import Authed, End, Goaway

        if header.type == Type.AUTHED:
            self._verdicts.put_nowait(self.parse(Authed, payload, "AUTHED"))
        elif header.type == Type.GOAWAY:
            self.goaway = self.parse(Goaway, payload, "GOAWAY")
            for stream in [stream for stream in self.calls if stream > self.goaway.last_stream]:
                self._end(stream, Outcome(Code.UNAVAILABLE, f"has not run: {self.goaway.message}"))
        else:
            self._take_end(header, self.parse(End, payload, "END"))

    def take_data(self, header: Header, payload: bytes) -> None:
        if header.stream not in self.calls:
            raise ConnectionFault(Reason.PROTOCOL, f"DATA on stream {header.stream}, which is not open")
        if header.flags & HAS_MESSAGE:
            self.allowance.charge(cost(len(payload)))
        try:
            back = self.incoming[header.stream].take(header, payload)
        except Status as status:
            self.calls[header.stream].cancel()
            self._end(header.stream, Outcome(status.code, status.words))
            self.give(0, cost(len(payload)))
            return
        self.give(0, cost(len(payload)))
        self.give(header.stream, back)
        self.calls[header.stream].arrived.set()

    def _take_end(self, header: Header, end: Any) -> None:
        if header.stream not in self.calls:
            raise ConnectionFault(Reason.PROTOCOL, f"END on stream {header.stream}, which is not open")
        if bool(header.flags & HAS_MESSAGE) != end.HasField("reply"):
            raise ConnectionFault(Reason.MALFORMED, "END: HAS_MESSAGE and reply disagree")
        incoming = self.incoming[header.stream]
        if end.HasField("code") and end.code == Code.OK and not incoming.is_between_messages:
            raise ConnectionFault(Reason.PROTOCOL, "END(OK) within a message")
        reply = end.reply if end.HasField("reply") else None
        if reply is not None:
            incoming.messages.append((reply, 0))
        trailers = [(pair.key, pair.value) for pair in end.trailers]
        details = end.details if end.HasField("details") else None
        code = end.code if end.HasField("code") and end.code in Code.__members__.values() else Code.UNKNOWN
        self._end(header.stream, Outcome(code, end.message, trailers, details, reply))

    def _end(self, stream: int, outcome: Outcome) -> None:
        call = self.calls.pop(stream)
        self.outbox.drop(stream)
        self.incoming[stream].ended = True
        call.outcome.set_result(outcome)
        call.arrived.set()
