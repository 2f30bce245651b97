#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The Python side of CASES.md: `interop.py server SOCKET` and `interop.py client SOCKET [CASE...]`."""

import asyncio
import signal
import sys

from wire import schema

schema.generate()

# Only now are there classes to import.
from cases import CASES, Failed  # noqa: E402
from service import METHODS, TOKENS  # noqa: E402
from wire.client import Client  # noqa: E402
from wire.server import Server  # noqa: E402
from wire.status import Status  # noqa: E402

CASE_SECONDS = 20


async def serve(path: str) -> None:
    servers: set[Server] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = Server(reader, writer, METHODS, TOKENS)
        servers.add(server)
        await server.serve()
        servers.discard(server)

    # Whoever starts this may have it blocked, which is inherited.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    listener = await asyncio.start_unix_server(accept, path)
    print("listening", flush=True)
    await stop.wait()
    listener.close()
    await asyncio.gather(*(server.shut_down() for server in list(servers)))


async def run(path: str, name: str) -> None:
    async with asyncio.timeout(CASE_SECONDS):
        client = await Client.connect(path)
        client.authenticate("interop")
        await CASES[name](client)
        await client.leave()


async def run_all(path: str, names: list[str]) -> bool:
    failures = 0
    for name in names or CASES:
        try:
            await run(path, name)
            print(f"ok {name}", flush=True)
        except (Failed, Status, OSError, TimeoutError) as error:
            failures += 1
            print(f"failed {name}: {type(error).__name__} {error}", flush=True)
    return failures == 0


def main(arguments: list[str]) -> int:
    match arguments:
        case ["server", path]:
            asyncio.run(serve(path))
            return 0
        case ["client", path, *names] if all(name in CASES for name in names):
            return 0 if asyncio.run(run_all(path, names)) else 1
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
