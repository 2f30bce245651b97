# SPDX-License-Identifier: Apache-2.0
"""Section 5, "Credit": what may be sent, and what is owed to the sender."""

from .frames import HEADER_BYTES, ConnectionFault, Reason

MOST = 0x7FFFFFFF
STREAM_WINDOW = 262144
CONNECTION_WINDOW = 1048576


def cost(payload: int) -> int:
    """What DATA with HAS_MESSAGE costs."""
    return HEADER_BYTES + payload


class Credit:
    """What this side may still send."""

    def __init__(self, start: int) -> None:
        self.left = start

    def grant(self, amount: int) -> None:
        if not 1 <= amount <= MOST:
            raise ConnectionFault(Reason.MALFORMED, f"WINDOW of {amount}")
        if self.left + amount > MOST:
            raise ConnectionFault(Reason.PROTOCOL, "a credit above 2147483647")
        self.left += amount


class Allowance:
    """What the other side may still send, and what it will get back."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.left = window
        self.owed = 0

    def charge(self, amount: int) -> None:
        if amount > self.left:
            raise ConnectionFault(Reason.PROTOCOL, f"DATA over the credit: costs {amount}, {self.left} are left")
        self.left -= amount

    def owe(self, amount: int) -> int:
        """Notes what can be given back; returns what WINDOW has to give now, 0 for nothing yet."""
        self.owed += amount
        if 2 * self.owed <= self.window:
            return 0
        given, self.owed = self.owed, 0
        self.left += given
        return given
