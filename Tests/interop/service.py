# SPDX-License-Identifier: Apache-2.0
"""wgm.interop.v1.Interop, as its schema says."""

import asyncio

from wgm.interop.v1 import interop_pb2 as schema
from wire.running import Method, RunningCall
from wire.status import Status

PREFIX = "wgm.interop.v1.Interop/"


def begin(call: RunningCall) -> None:
    call.trailers = [pair for pair in call.metadata if pair[0] == "x-echo"]


def raise_asked(message: object) -> None:
    """Ends the call with the status that the request asks for."""
    if message.HasField("response_status"):
        raise Status(message.response_status.code, message.response_status.message)


async def empty(call: RunningCall) -> bytes:
    begin(call)
    schema.EmptyRequest.FromString(await call.request())
    return schema.EmptyResponse().SerializeToString()


async def unary(call: RunningCall) -> bytes:
    begin(call)
    request = schema.UnaryRequest.FromString(await call.request())
    await asyncio.sleep(request.sleep_ms / 1000)
    raise_asked(request)
    return schema.UnaryResponse(payload=bytes(request.response_size)).SerializeToString()


async def collect(call: RunningCall) -> bytes:
    begin(call)
    total = 0
    while (message := await call.receive()) is not None:
        total += len(schema.CollectRequest.FromString(message).payload)
    return schema.CollectResponse(total_size=total).SerializeToString()


async def produce(call: RunningCall) -> None:
    begin(call)
    request = schema.ProduceRequest.FromString(await call.request())
    for size in request.response_sizes:
        await asyncio.sleep(request.interval_ms / 1000)
        await call.send(schema.ProduceResponse(payload=bytes(size)).SerializeToString())


async def converse(call: RunningCall) -> None:
    begin(call)
    while (message := await call.receive()) is not None:
        request = schema.ConverseRequest.FromString(message)
        for size in request.response_sizes:
            await call.send(schema.ConverseResponse(payload=bytes(size)).SerializeToString())
        raise_asked(request)


METHODS = {
    PREFIX + "Empty": Method(empty),
    PREFIX + "Unary": Method(unary, max_request_bytes=2097152),
    PREFIX + "Collect": Method(collect, takes_stream=True),
    PREFIX + "Produce": Method(produce, sends_stream=True),
    PREFIX + "Converse": Method(converse, takes_stream=True, sends_stream=True, max_request_bytes=2097152),
}
TOKENS = {"interop": "interop"}
