"""Counts the dead letters for the menu of every page."""

import asyncio
import time
from collections.abc import Callable, Mapping

from workshop.board.feed import Feed
from workshop.board.source import Source
from workshop.board.stack_counts import dead_letter_counts
from workshop.deployment.aws_errors import aws_errors
from workshop.errors import EXPECTED

_SECONDS = 2.0
"""Seconds between two reads while events happen."""
_SETTLED_SECONDS = 6.0
"""Seconds between two reads while none do: a discarded dead letter is no event."""


class QueueWatch:
    """The number of dead letters of a stack on a local cloud.

    In an AWS account they are not counted: each queue is a request, and it has a price.

    Attributes:
        messages: Consumer's key → messages in its dead-letter queues; None if not known.

    Args:
        source: Where the stack is read.
        feed: Wakes the pages after a change.
    """

    def __init__(self, source: Source, feed: Feed) -> None:
        self._source = source
        self._feed = feed
        self.messages: Mapping[str, int] | None = None

    @property
    def total(self) -> int:
        """The number of dead letters; 0 if it is not known."""
        return sum((self.messages or {}).values())

    async def run(self, watched: Callable[[], bool]) -> None:
        """Read until cancelled, but only while a page is open.

        Args:
            watched: Returns whether one is.
        """
        read_at, revision = float("-inf"), -1
        while True:
            newest, now = self._feed.events.revision, time.monotonic()
            settled = newest == revision and now < read_at + _SETTLED_SECONDS
            if watched() and not settled:
                read_at, revision = now, newest
                await self.refresh()
            await asyncio.sleep(_SECONDS)

    async def refresh(self) -> None:
        """Read the counts now, and wake the pages if they have changed."""

        def read() -> Mapping[str, int] | None:
            stack = self._source.stack()
            with aws_errors():
                return dead_letter_counts(stack) if stack.target.own else None

        try:
            found = None if self._feed.silent else await asyncio.to_thread(read)
        except EXPECTED:
            found = None  # the page says that the cloud does not respond
        if found != self.messages:
            self.messages = found
            self._feed.wake()
