"""Watches the injected faults, also those that were injected in a terminal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.concurrency import run_in_threadpool

from workshop.board.feed import Feed
from workshop.board.source import Source
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.local.injected_faults import State, state
from workshop.errors import EXPECTED

_SECONDS = 2.0
"""Seconds between two reads while somebody watches a page."""


class FaultWatch:
    """The injected faults of the stack.

    Attributes:
        state: The faults at the last read.
        working: What the board changes at the moment; empty if nothing.
        watchers: The number of pages that are open.

    Args:
        source: Where the stack is read.
        feed: Wakes the pages after a change.
    """

    def __init__(self, source: Source, feed: Feed) -> None:
        self._source = source
        self._feed = feed
        self.state = State()
        self.working = ""
        self.watchers = 0

    @property
    def summary(self) -> str:
        """All faults in one line; empty if there are none."""
        return str(self.state)

    async def run(self) -> None:
        """Read until cancelled, but only while a page is open."""
        while True:
            if self.watchers:
                await self.refresh(of_account=False)
            await asyncio.sleep(_SECONDS)

    async def refresh(self, *, of_account: bool = True) -> None:
        """Read the faults now, and wake the pages if they have changed.

        Args:
            of_account: Whether to read those of a stack in an AWS account, too; its requests have
                quotas, so this is not done regularly.
        """

        def read() -> State | None:
            stack = self._source.stack()
            if not (of_account or stack.target.own):
                return None
            with aws_errors():
                return state(stack)

        try:
            found = State() if self._feed.silent else await run_in_threadpool(read)
        except EXPECTED:
            found = State()  # the page says that the cloud does not respond
        if found is not None and found != self.state:
            self.state = found
            self._feed.wake()

    @asynccontextmanager
    async def work(self, what: str) -> AsyncIterator[None]:
        """Show on every page that something is being changed, and read the faults afterwards."""
        self.working = what
        self._feed.wake()
        try:
            yield
        finally:
            self.working = ""
            await self.refresh()
            self._feed.wake()
