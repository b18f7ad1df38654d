"""Reads one source in the background, for all views and all browsers."""

import asyncio
from contextlib import suppress

from local_cloud.errors import NoAnswerError
from workshop.board.event_list import EventList
from workshop.board.source import Cursor, Source
from workshop.errors import EXPECTED

_WAIT = 1.0
"""Seconds for which one read waits for a change; the board ends after the last read."""
_AGAIN = 1.0
"""Seconds after a failed read until the next one."""


class Feed:
    """The stack's events, and whether its cloud responds.

    Everything but the reads themselves runs on the event loop, so nothing here needs a lock.

    Attributes:
        events: The newest events.
        lost: The number of records that the cloud had removed before the board read them.
        problem: Why the cloud cannot be read; empty if it can.
        silent: Whether the problem is that it does not answer in time.
        started: Whether the first read is complete.
        generation: The number of logs that were read: a cloud that restarts begins a new one.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._changed = asyncio.Event()
        self.events = EventList()
        self.lost = 0
        self.problem = ""
        self.silent = False
        self.started = False
        self.generation = 0

    async def run(self) -> None:
        """Read until cancelled."""
        cursor = Cursor()
        while True:
            try:
                wait = _WAIT if self.started else 0.0
                read = await asyncio.to_thread(self._source.read, cursor, wait)
            except EXPECTED as error:
                self._report(str(error), silent=isinstance(error, NoAnswerError))
                await asyncio.sleep(_AGAIN)
                continue
            if read.log_id != cursor.log_id:
                self.events, self.lost = EventList(), 0
                self.generation += 1
            elif read.lost:
                self.lost += read.lost
            cursor = Cursor(read.log_id, read.last)
            self.events.add(read.records)
            caught_up = read.last >= read.newest
            if read.records or self.problem or caught_up != self.started:
                self.started = self.started or caught_up
                self._report("")

    async def wait(self, seconds: float) -> None:
        """Wait for a change, but not longer than so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    def wake(self) -> None:
        """End all waits: something changed that a page shows."""
        # Those who wait now continue; those who wait later need the next change.
        self._changed.set()
        self._changed = asyncio.Event()

    def _report(self, problem: str, *, silent: bool = False) -> None:
        self.problem, self.silent = problem, silent
        self.wake()
