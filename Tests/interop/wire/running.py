# SPDX-License-Identifier: Apache-2.0
"""A call that a server runs."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from .frames import HAS_MESSAGE, Header
from .status import Code, Outcome, Status

if TYPE_CHECKING:
    from .server import Server

METHOD = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*/[A-Za-z0-9_]+")
METADATA_KEY = re.compile(r"[a-z0-9_.-]{1,64}")
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True)
class Method:
    """What a server knows of a method. The handler sends messages itself and returns the reply of a single one, if any."""

    handler: Callable[["RunningCall"], Awaitable[bytes | None]]
    takes_stream: bool = False
    sends_stream: bool = False
    max_request_bytes: int = 65536
    anonymous: bool = False


def read_call(header: Header, payload: bytes) -> Any:
    """The content of CALL, with its fields checked."""
    from wgm.v1.wire_pb2 import Call

    try:
        call = Call.FromString(payload)
    except DecodeError as error:
        raise Status(Code.INVALID_ARGUMENT, f"CALL: {error}") from error
    pairs = call.metadata
    size = sum(len(pair.key) + len(pair.value) for pair in pairs)
    rules = [
        (bool(header.flags & HAS_MESSAGE) == call.HasField("message"), "HAS_MESSAGE and message disagree"),
        (len(call.method) <= 128 and METHOD.fullmatch(call.method), "method"),
        (not call.HasField("idempotency_key") or len(call.idempotency_key) == 16, "idempotency_key"),
        (all(METADATA_KEY.fullmatch(pair.key) for pair in pairs), "metadata"),
        (not call.HasField("traceparent") or TRACEPARENT.fullmatch(call.traceparent), "traceparent"),
    ]
    for kept, field in rules:
        if not kept:
            raise Status(Code.INVALID_ARGUMENT, f"CALL: {field}")
    if len(pairs) > 32 or size > 8192 or len(call.scope.encode()) > 1024:
        raise Status(Code.RESOURCE_EXHAUSTED, "CALL: metadata or scope is too large")
    return call


class RunningCall:
    """What a handler sees of its call."""

    def __init__(self, server: "Server", stream: int, method: Method, content: Any) -> None:
        self.metadata = [(pair.key, pair.value) for pair in content.metadata]
        self.trailers: list[tuple[str, bytes]] = []
        self._server = server
        self._stream = stream
        self._method = method
        self._timeout = self._seconds(content.timeout_ms)
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def _seconds(self, asked: int) -> float | None:
        streams = self._method.takes_stream or self._method.sends_stream
        if asked == 0:
            return None if streams else 30
        return asked / 1000 if streams else min(asked / 1000, 600)

    @property
    def has_no_end(self) -> bool:
        return self._timeout is None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._method.handler(self)
            self._end(Outcome(Code.OK, reply=reply))
        except TimeoutError:
            self._end(Outcome(Code.DEADLINE_EXCEEDED, "the deadline has passed"))
        except Status as status:
            self._end(Outcome(status.code, status.words))
        except DecodeError as error:
            self._end(Outcome(Code.INVALID_ARGUMENT, f"the message cannot be read: {error}"))

    def _end(self, outcome: Outcome) -> None:
        if self._ended:
            return
        self._ended = True
        if outcome.reply is not None and len(outcome.reply) > self._server.peer_message:
            outcome = Outcome(Code.RESOURCE_EXHAUSTED, "the reply is larger than the client accepts")
        outcome.trailers = self.trailers
        self._server.end(self._stream, outcome)

    def stop(self, outcome: Outcome | None = None) -> None:
        """Ends the call in place of its handler; without an outcome there is nobody to tell."""
        if self._task is not None:
            self._task.cancel()
        if outcome is None:
            self._ended = True
        else:
            self._end(outcome)

    def note_arrival(self) -> None:
        self._arrived.set()

    async def receive(self) -> bytes | None:
        """The next message; None after END_STREAM."""
        incoming = self._server.incoming[self._stream]
        while not incoming.messages:
            if incoming.ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        message, price = incoming.messages.popleft()
        self._server.used(self._stream, price)
        return message

    async def request(self) -> bytes:
        """The one message of a method that takes one; none is an empty one."""
        message = await self.receive()
        if message is not None and await self.receive() is not None:
            raise Status(Code.INVALID_ARGUMENT, "the method takes one message")
        return message or b""

    async def send(self, message: bytes) -> None:
        if len(message) > self._server.peer_message:
            raise Status(Code.RESOURCE_EXHAUSTED, "the message is larger than the client accepts")
        self._server.outbox.send(self._stream, message)
        await asyncio.sleep(0)
