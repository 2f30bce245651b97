# SPDX-License-Identifier: Apache-2.0
"""How a call ends."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Code(IntEnum):
    """gRPC's."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Status(Exception):
    """A call that has not ended well."""

    def __init__(self, code: int, words: str = "", details: Any = None) -> None:
        super().__init__(f"{code} {words}")
        self.code = code
        self.words = words
        self.details = details


@dataclass
class Outcome:
    """What END said."""

    code: int
    words: str = ""
    trailers: list[tuple[str, bytes]] = field(default_factory=list)
    details: Any = None
    # The message in END; None is no message, which an empty one is not.
    reply: bytes | None = None

    def require(self) -> None:
        """Raises the status unless it is OK."""
        if self.code != Code.OK:
            raise Status(self.code, self.words, self.details)
