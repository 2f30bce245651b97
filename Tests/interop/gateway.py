#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A client from docs/protocol.md alone against a real wgmd: `gateway.py SOCKET`.

It logs in, shows its token, lists peers of wg0, makes one and takes it away again. A line for each step, "ok STEP" or
"failed STEP: why"; exit 0 if all are ok.
"""

import asyncio
import base64
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from wire import schema

schema.generate()

from wgm.v1 import auth_pb2, meta_pb2, peers_pb2  # noqa: E402
from wire.client import Client  # noqa: E402
from wire.status import Code, Status  # noqa: E402


class Visit:
    """One visit to the gateway, over one connection."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.key = secrets.token_bytes(16)
        self.request: Any = None
        self.created: Any = None

    async def call(self, method: str, request: Any, reply: Any, **options: Any) -> Any:
        outcome, messages = await self.client.call(f"wgm.v1.{method}", request.SerializeToString(), **options)
        outcome.require()
        return reply.FromString(messages[0])

    async def refused(self, code: Code, method: str, request: Any, **options: Any) -> None:
        outcome, _ = await self.client.call(f"wgm.v1.{method}", request.SerializeToString(), **options)
        if outcome.code != code:
            raise AssertionError(f"{code.name} was expected, {outcome.code} came: {outcome.words}")

    async def peers(self) -> list[str]:
        request = peers_pb2.ListPeersRequest(interface="wg0")
        reply = await self.call("Peers/List", request, peers_pb2.ListPeersResponse)
        return [peer.name for peer in reply.peers]

    def new_peer(self, name: str) -> Any:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        return peers_pb2.CreatePeersRequest(interface="wg0", peers=[peers_pb2.NewPeer(name=name, public_key=key)])

    async def version_without_a_token(self) -> None:
        reply = await self.call("Meta/Version", meta_pb2.VersionRequest(), meta_pb2.VersionResponse, slot=0)
        assert reply.version, "no version"

    async def a_wrong_token_is_refused(self) -> None:
        self.client.authenticate("not.a.token", slot=2)
        verdict = await self.client.verdict()
        assert verdict.slot == 2 and verdict.code == Code.UNAUTHENTICATED, f"the verdict is {verdict}"
        await self.refused(Code.UNAUTHENTICATED, "Peers/List", peers_pb2.ListPeersRequest(), slot=2)

    async def login_and_token(self) -> None:
        login = await self.call("Auth/Login", auth_pb2.LoginRequest(), auth_pb2.LoginResponse, slot=0)
        self.client.authenticate(login.token)
        verdict = await self.client.verdict()
        assert verdict.code == 0 and verdict.subject == login.principal, f"the verdict is {verdict}"
        who = await self.call("Auth/WhoAmI", auth_pb2.WhoAmIRequest(), auth_pb2.WhoAmIResponse)
        assert who.principal == login.principal, f"the token is for {who.principal}"

    async def peers_are_listed(self) -> None:
        names = await self.peers()
        assert "alice" in names, f"there are {names}"

    async def a_mutation_needs_a_key(self) -> None:
        await self.refused(Code.INVALID_ARGUMENT, "Peers/Create", self.new_peer("python"))
        assert "python" not in await self.peers()

    async def a_peer_is_made(self) -> None:
        self.request = self.new_peer("python")
        self.created = await self.call("Peers/Create", self.request, peers_pb2.CreatePeersResponse, key=self.key)
        assert self.created.peers[0].name == "python"
        assert "python" in await self.peers()

    async def the_same_key_again_changes_nothing(self) -> None:
        again = await self.call("Peers/Create", self.request, peers_pb2.CreatePeersResponse, key=self.key)
        assert again == self.created, f"{again} is not {self.created}"
        assert (await self.peers()).count("python") == 1

    async def the_key_is_worthless_for_another_request(self) -> None:
        await self.refused(Code.ABORTED, "Peers/Create", self.new_peer("other"), key=self.key)
        assert "other" not in await self.peers()

    async def the_peer_is_taken_away(self) -> None:
        request = peers_pb2.DeletePeerRequest(interface="wg0", name="python")
        await self.call("Peers/Delete", request, peers_pb2.DeletePeerResponse, key=secrets.token_bytes(16))
        assert "python" not in await self.peers()

    async def an_unknown_method_is_named(self) -> None:
        await self.refused(Code.UNIMPLEMENTED, "Peers/Conjure", peers_pb2.ListPeersRequest())

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.version_without_a_token,
            self.a_wrong_token_is_refused,
            self.login_and_token,
            self.peers_are_listed,
            self.a_mutation_needs_a_key,
            self.a_peer_is_made,
            self.the_same_key_again_changes_nothing,
            self.the_key_is_worthless_for_another_request,
            self.the_peer_is_taken_away,
            self.an_unknown_method_is_named,
        ]


async def visit(path: str) -> bool:
    client = await Client.connect(path)
    steps = Visit(client).steps()
    for step in steps:
        name = step.__name__
        try:
            async with asyncio.timeout(20):
                await step()
            print(f"ok {name}", flush=True)
        except (AssertionError, Status, OSError, TimeoutError) as error:
            print(f"failed {name}: {type(error).__name__} {error}", flush=True)
            return False
    await client.leave()
    return True


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    return 0 if asyncio.run(visit(arguments[0])) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
