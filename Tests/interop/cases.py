# SPDX-License-Identifier: Apache-2.0
"""The client's part of CASES.md."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from service import PREFIX
from wgm.interop.v1 import interop_pb2 as schema
from wire.client import Call, Client
from wire.status import Code, Outcome

ECHO = [("x-echo", b"\x00\xff\x01")]
PING_PONG = [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"


class Failed(Exception):
    """What was expected did not happen."""


def expect(condition: bool, words: str) -> None:
    if not condition:
        raise Failed(words)


def expect_code(outcome: Outcome, code: Code, words: str | None = None) -> None:
    expect(outcome.code == code, f"{code.name} was expected, {outcome.code} came: {outcome.words}")
    expect(words is None or outcome.words == words, f"another text: {outcome.words!r}")


def unary_request(payload: int = 0, **fields: object) -> bytes:
    return schema.UnaryRequest(payload=bytes(payload), **fields).SerializeToString()


def converse_request(payload: int = 0, *sizes: int, **fields: object) -> bytes:
    return schema.ConverseRequest(payload=bytes(payload), response_sizes=sizes, **fields).SerializeToString()


async def expect_sizes(call: Call, sizes: list[int]) -> None:
    for size in sizes:
        message = await call.receive()
        if message is None:
            raise Failed(f"{size} bytes were expected, the stream has ended: {await call.outcome}")
        got = len(schema.ConverseResponse.FromString(message).payload)
        expect(got == size, f"{size} bytes were expected, {got} came")


async def expect_end(call: Call, code: Code = Code.OK) -> Outcome:
    outcome, messages = await call.finish()
    expect_code(outcome, code)
    expect(not messages, f"{len(messages)} messages too many")
    return outcome


async def empty_unary(client: Client) -> None:
    outcome, messages = await client.call(PREFIX + "Empty", b"")
    expect_code(outcome, Code.OK)
    expect(outcome.reply == b"" and messages == [b""], f"an empty message was expected, {messages} came")


async def unary(client: Client, payload: int, size: int) -> None:
    outcome, messages = await client.call(PREFIX + "Unary", unary_request(payload, response_size=size))
    expect_code(outcome, Code.OK)
    expect(len(messages) == 1, f"one reply was expected, {len(messages)} came")
    got = len(schema.UnaryResponse.FromString(messages[0]).payload)
    expect(got == size, f"{size} bytes were expected, {got} came")


async def large_unary(client: Client) -> None:
    await unary(client, 271828, 314159)


async def huge_unary(client: Client) -> None:
    await client.verdict()
    await unary(client, 1500000, 7)


async def client_streaming(client: Client) -> None:
    call = client.open(PREFIX + "Collect")
    for size in (27182, 8, 1828, 45904):
        call.send(schema.CollectRequest(payload=bytes(size)).SerializeToString())
    call.end()
    outcome, messages = await call.finish()
    expect_code(outcome, Code.OK)
    expect(len(messages) == 1, f"one reply was expected, {len(messages)} came")
    total = schema.CollectResponse.FromString(messages[0]).total_size
    expect(total == 74922, f"a total of 74922 was expected, {total} came")


async def server_streaming(client: Client) -> None:
    sizes = [31415, 9, 2653, 58979]
    request = schema.ProduceRequest(response_sizes=sizes).SerializeToString()
    call = client.open(PREFIX + "Produce", request, ended=True)
    await expect_sizes(call, sizes)
    await expect_end(call)


async def ping_pong(client: Client) -> None:
    call = client.open(PREFIX + "Converse")
    for sent, answered in PING_PONG:
        call.send(converse_request(sent, answered))
        await expect_sizes(call, [answered])
    call.end()
    await expect_end(call)


async def large_stream(client: Client) -> None:
    call = client.open(PREFIX + "Converse")
    call.send(converse_request(0, 1000000, 1000000), last=True)
    await expect_sizes(call, [1000000, 1000000])
    await expect_end(call)


async def empty_stream(client: Client) -> None:
    call = client.open(PREFIX + "Converse")
    call.end()
    await expect_end(call)


async def custom_metadata(client: Client) -> None:
    outcome, _ = await client.call(PREFIX + "Unary", unary_request(), metadata=ECHO)
    expect_code(outcome, Code.OK)
    expect(ECHO[0] in outcome.trailers, f"Unary: the trailers are {outcome.trailers}")
    call = client.open(PREFIX + "Converse", metadata=ECHO)
    call.send(converse_request(0, 9), last=True)
    await expect_sizes(call, [9])
    outcome = await expect_end(call)
    expect(ECHO[0] in outcome.trailers, f"Converse: the trailers are {outcome.trailers}")


async def status_code_and_message(client: Client) -> None:
    words = "test status message"
    status = schema.EchoStatus(code=2, message=words)
    outcome, _ = await client.call(PREFIX + "Unary", unary_request(response_status=status))
    expect_code(outcome, Code.UNKNOWN, words)
    call = client.open(PREFIX + "Converse")
    call.send(converse_request(response_status=status), last=True)
    expect_code(await expect_end(call, Code.UNKNOWN), Code.UNKNOWN, words)


async def special_status_message(client: Client) -> None:
    status = schema.EchoStatus(code=2, message=SPECIAL)
    outcome, _ = await client.call(PREFIX + "Unary", unary_request(response_status=status))
    expect_code(outcome, Code.UNKNOWN, SPECIAL)


async def unimplemented_method(client: Client) -> None:
    outcome, _ = await client.call(PREFIX + "Unimplemented", b"")
    expect_code(outcome, Code.UNIMPLEMENTED)


async def unimplemented_service(client: Client) -> None:
    outcome, _ = await client.call("wgm.interop.v1.Nowhere/Unimplemented", b"")
    expect_code(outcome, Code.UNIMPLEMENTED)


async def cancel_after_begin(client: Client) -> None:
    call = client.open(PREFIX + "Collect")
    call.cancel()
    await expect_end(call, Code.CANCELLED)


async def cancel_after_first_response(client: Client) -> None:
    call = client.open(PREFIX + "Converse")
    call.send(converse_request(27182, 31415))
    await expect_sizes(call, [31415])
    call.cancel()
    await expect_end(call, Code.CANCELLED)


async def timeout_on_sleeping_server(client: Client) -> None:
    began = time.monotonic()
    outcome, _ = await client.call(PREFIX + "Unary", unary_request(sleep_ms=10000), timeout_ms=100)
    expect_code(outcome, Code.DEADLINE_EXCEEDED)
    call = client.open(PREFIX + "Converse", timeout_ms=100)
    call.send(converse_request(1))
    await expect_end(call, Code.DEADLINE_EXCEEDED)
    expect(time.monotonic() - began < 2, "that took more than 2 s")


async def second_message(client: Client) -> None:
    call = client.open(PREFIX + "Unary")
    call.send(unary_request())
    call.send(unary_request(), last=True)
    await expect_end(call, Code.INVALID_ARGUMENT)
    await empty_unary(client)


async def many_streams(client: Client) -> None:
    await asyncio.gather(*(ping_pong(client) for _ in range(16)))


async def soak(client: Client) -> None:
    for _ in range(1000):
        await unary(client, 271, 314)


CASES: dict[str, Callable[[Client], Awaitable[None]]] = {
    case.__name__: case
    for case in (
        empty_unary,
        large_unary,
        huge_unary,
        client_streaming,
        server_streaming,
        ping_pong,
        large_stream,
        empty_stream,
        custom_metadata,
        status_code_and_message,
        special_status_message,
        unimplemented_method,
        unimplemented_service,
        cancel_after_begin,
        cancel_after_first_response,
        timeout_on_sleeping_server,
        second_message,
        many_streams,
        soak,
    )
}
