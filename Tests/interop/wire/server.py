# SPDX-License-Identifier: Apache-2.0
"""The server's side of one connection."""

import asyncio
import time
from typing import Any

from .credit import STREAM_WINDOW, cost
from .endpoint import ENVELOPE, MAX_FRAME, MAX_MESSAGE, Endpoint
from .frames import END_STREAM, HAS_MESSAGE, LAST_STREAM, PREFACE, ConnectionFault, Header, Reason, Type, frame
from .pace import Handshake, Pace
from .receiving import Incoming
from .running import Method, RunningCall, read_call
from .sending import Outgoing
from .status import Code, Outcome, Status

AGENT = "wgm-interop-python/1"
MAX_STREAMS = 64
DRAIN_NOTICE = 1
DRAIN_TIME = 10


class Server(Endpoint):
    """A connection from a client. `methods` says what there is; `tokens` who may use it: the subject of each."""

    limits = {
        Type.HELLO: 1024,
        Type.AUTH: 8192 + 64,
        Type.CALL: MAX_MESSAGE + ENVELOPE,
        Type.DATA: MAX_FRAME,
        Type.CANCEL: 0,
        Type.WINDOW: 4,
        Type.PING: 8,
        Type.GOAWAY: 4096,
    }

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        methods: dict[str, Method],
        tokens: dict[str, str],
    ) -> None:
        super().__init__(reader, writer)
        self.calls: dict[int, RunningCall] = {}
        self.last_stream = 0
        self.draining = False
        self._methods = methods
        self._tokens = tokens
        self._slots: dict[int, float] = {}
        self._handshake = Handshake()
        self._pace = Pace()
        self._leaving = asyncio.Event()
        self._drained: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Until the connection has ended."""
        greeted = False
        try:
            async with asyncio.timeout(self._handshake.seconds) as limit:
                self._handshake.limit = limit
                await self.read_preface()
                greeted = True
                self._greet()
                await self.read_frames()
        except ConnectionFault as fault:
            self._refuse(fault, greeted)
        except TimeoutError:
            self._refuse(ConnectionFault(Reason.TIMEOUT, "no token, or no whole frame, in time"), greeted)
        except (EOFError, OSError):
            pass
        for call in list(self.calls.values()):
            call.stop()
        await self.close()

    def _refuse(self, fault: ConnectionFault, greeted: bool) -> None:
        if not greeted:
            self.write(PREFACE)
        self.say_goaway(fault.reason, fault.words, self.last_stream)

    def _greet(self) -> None:
        hello = self.hello_class()(
            agent=AGENT,
            max_frame=MAX_FRAME,
            max_message=MAX_MESSAGE,
            max_streams=MAX_STREAMS,
            min_ping_ms=5000,
            server_time=int(time.time() * 1000),
        )
        self.write(PREFACE + frame(Type.HELLO, hello.SerializeToString()))

    def note_frame(self, header: Header) -> None:
        self._handshake.note(header)

    def note_ping(self) -> None:
        self._pace.note_ping()

    def is_known(self, stream: int) -> bool:
        return stream % 2 == 1 and (stream <= self.last_stream or self.draining)

    def take_other(self, header: Header, payload: bytes) -> None:
        handlers = {
            Type.AUTH: self._take_auth,
            Type.CALL: self._take_call,
            Type.CANCEL: self._take_cancel,
            Type.GOAWAY: self._take_goaway,
        }
        handlers[Type(header.type)](header, payload)

    def _take_goaway(self, _: Header, payload: bytes) -> None:
        from wgm.v1.wire_pb2 import Goaway

        self.parse(Goaway, payload, "GOAWAY")
        self.draining = True
        self._close_if_drained()

    def _take_auth(self, _: Header, payload: bytes) -> None:
        from wgm.v1.wire_pb2 import Authed, Authenticate

        auth = self.parse(Authenticate, payload, "AUTH")
        if not 1 <= auth.slot <= 8 or not auth.token or len(auth.token) > 8192:
            raise ConnectionFault(Reason.MALFORMED, "AUTH: slot 1 to 8 and a token of at most 8192 bytes")
        self._pace.note_auth()
        subject = self._tokens.get(auth.token)
        if subject is None:
            verdict = Authed(slot=auth.slot, code=Code.UNAUTHENTICATED, message="the token is not known")
        else:
            expires = time.time() + 3600
            self._slots[auth.slot] = expires
            verdict = Authed(slot=auth.slot, code=0, expires_unix_ms=int(expires * 1000), subject=subject)
        self.write(frame(Type.AUTHED, verdict.SerializeToString()))
        self._handshake.judged(subject is not None)

    def _take_call(self, header: Header, payload: bytes) -> None:
        if header.stream % 2 == 0 or header.stream <= self.last_stream:
            raise ConnectionFault(Reason.PROTOCOL, f"CALL on stream {header.stream}, even or not rising")
        if self.draining:
            return
        self.last_stream = header.stream
        try:
            content = read_call(header, payload)
            method = self._begin(header, content)
        except Status as status:
            self._pace.note_refusal()
            self.end(header.stream, Outcome(status.code, status.words))
            return
        incoming = Incoming(STREAM_WINDOW, method.max_request_bytes, from_server=False)
        if content.HasField("message"):
            incoming.messages.append((content.message, 0))
        incoming.ended = bool(header.flags & END_STREAM)
        self.incoming[header.stream] = incoming
        self.outbox.add(header.stream, Outgoing(self.peer_window))
        call = self.calls[header.stream] = RunningCall(self, header.stream, method, content)
        call.start()

    def _begin(self, header: Header, content: Any) -> Method:
        if header.aux and self._slots.get(header.aux, 0) <= time.time():
            raise Status(Code.UNAUTHENTICATED, f"slot {header.aux} holds no valid token")
        if len(self.calls) >= MAX_STREAMS:
            raise Status(Code.RESOURCE_EXHAUSTED, f"{MAX_STREAMS} calls are running")
        method = self._methods.get(content.method)
        if method is None:
            raise Status(Code.UNIMPLEMENTED, f"there is no method {content.method}")
        if header.aux == 0 and not method.anonymous:
            raise Status(Code.UNAUTHENTICATED, "the method needs a token")
        if len(content.message) > method.max_request_bytes:
            raise Status(Code.RESOURCE_EXHAUSTED, f"a message of more than {method.max_request_bytes} bytes")
        return method

    def take_data(self, header: Header, payload: bytes) -> None:
        if not self.is_known(header.stream):
            raise ConnectionFault(Reason.PROTOCOL, f"DATA on stream {header.stream}, which was never opened")
        price = cost(len(payload)) if header.flags & HAS_MESSAGE else 0
        self.allowance.charge(price)
        call = self.calls.get(header.stream)
        if call is None:
            self.give(0, price)
            return
        try:
            back = self.incoming[header.stream].take(header, payload)
        except Status as status:
            self.give(0, price)
            call.stop(Outcome(status.code, status.words))
            return
        self.give(0, back)
        self.give(header.stream, back)
        call.note_arrival()

    def used(self, stream: int, price: int) -> None:
        """A message has been used: its credit goes back."""
        self.give(0, price)
        if stream in self.incoming and not self.incoming[stream].ended:
            self.give(stream, price)

    def _take_cancel(self, header: Header, _: bytes) -> None:
        if not self.is_known(header.stream):
            raise ConnectionFault(Reason.PROTOCOL, f"CANCEL of stream {header.stream}, which was never opened")
        self._pace.note_cancel()
        if header.stream in self.calls:
            self.calls[header.stream].stop(Outcome(Code.CANCELLED, "cancelled by the caller"))

    def end(self, stream: int, outcome: Outcome) -> None:
        """The last word on a stream. OK waits for the DATA before it, everything else overtakes it."""
        from wgm.v1.wire_pb2 import End, MetadataPair

        pairs = [MetadataPair(key=name, value=value) for name, value in outcome.trailers]
        end = End(code=outcome.code, message=outcome.words or None, trailers=pairs)
        if outcome.reply is not None:
            end.reply = outcome.reply
        raw = frame(Type.END, end.SerializeToString(), stream=stream, flags=HAS_MESSAGE if end.HasField("reply") else 0)
        outgoing = self.outbox.streams.get(stream)
        if outcome.code == Code.OK and outgoing is not None and outgoing.messages:
            outgoing.when_empty = lambda: self._finish(stream, raw)
        else:
            self._finish(stream, raw)

    def _finish(self, stream: int, raw: bytes) -> None:
        self.write(raw)
        self.outbox.drop(stream)
        self.calls.pop(stream, None)
        incoming = self.incoming.pop(stream, None)
        if incoming is not None:
            # What nobody will use any more is given back to the connection.
            self.give(0, sum(price for _, price in incoming.messages))
        self._close_if_drained()

    def _close_if_drained(self) -> None:
        if self.draining and not self.calls:
            self._leaving.set()
            self.writer.close()

    async def shut_down(self) -> None:
        """Section 7, "Shutdown"."""
        self.say_goaway(Reason.SHUTDOWN, "the server stops", LAST_STREAM)
        await asyncio.sleep(DRAIN_NOTICE)
        self.draining = True
        self.say_goaway(Reason.SHUTDOWN, "the server stops", self.last_stream)
        for call in [call for call in self.calls.values() if call.has_no_end]:
            call.stop(Outcome(Code.UNAVAILABLE, "the server stops"))
        self._close_if_drained()
        try:
            async with asyncio.timeout(DRAIN_TIME):
                await self._leaving.wait()
        except TimeoutError:
            self.writer.close()
