"""Read something of the stack again and again, while a browser watches it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from workshop.board.page import Board
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED
from workshop.journeys.logs import POLL_SECONDS_IN_ACCOUNT

SETTLED_SECONDS_IN_ACCOUNT = 20.0
"""A read in an account is one request for each function, table or queue, and has a price."""

_T = TypeVar("_T")


class Reading(Generic[_T]):
    """The newest result of a read, for all browsers. Nothing is read while nobody asks.

    Args:
        board: The board.
        read: Reads the stack; it runs in a thread.
        pause: Seconds between two reads while something changes; in an account, at least
            `POLL_SECONDS_IN_ACCOUNT`.
        settled: Seconds between two reads while nothing does; in an account, at least
            `SETTLED_SECONDS_IN_ACCOUNT`.
        revision: Returns another number after a change; by default, any event is one.
        clock: The seconds now.

    Attributes:
        stack: The stack at the last read; None if none is up.
        value: The last result; None before the first one.
        problem: Why the last read failed; empty if it did not.
        reads: The number of reads that ended.
    """

    def __init__(
        self,
        board: Board,
        read: Callable[[Stack], _T],
        *,
        pause: float,
        settled: float,
        revision: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stack: Stack | None = None
        self.value: _T | None = None
        self.problem = ""
        self.reads = 0
        self._board = board
        self._read = read
        self._pause = pause
        self._settled = settled
        self._revision = revision or (lambda: board.feed.events.revision)
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._read_at = float("-inf")
        self._read_revision = -1

    async def fresh(self) -> None:
        """Wait until the result is not older than the pause, for a new page."""
        self.refresh()
        if self._task is not None:
            await asyncio.shield(self._task)

    def refresh(self) -> None:
        """Start a read in the background, if it is time for one."""
        revision, moment = self._revision(), self._clock()
        wait = self._pause if revision != self._read_revision else self._settled
        if self.stack is not None and not self.stack.target.own:
            settled = revision == self._read_revision
            wait = max(wait, SETTLED_SECONDS_IN_ACCOUNT if settled else POLL_SECONDS_IN_ACCOUNT)
        if moment < self._read_at + wait or self._task is not None:
            return
        self._read_at, self._read_revision = moment, revision
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        stack = None
        try:
            with suppress(*EXPECTED):
                stack = await self._board.stack()
            self.value, self.problem = await self._board.do(self._read), ""
        except EXPECTED as error:
            self.problem = str(error)
        finally:
            self.stack = stack
            self.reads += 1
            self._task = None
