"""The dead letters as the board shows them: read for all browsers, and only while one watches.

Reading the counts of the queues changes nothing. Receiving the messages makes them invisible to
other commands for a few milliseconds, so this happens only after a count has changed or an event
was dead-lettered.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from local_cloud.delivery.delivery_log import Outcome
from workshop.board.page import Board
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED, WorkshopError
from workshop.journeys import order_rows
from workshop.recovery import dead_letter_view, dead_letters, discarding
from workshop.recovery.dead_letters import Attempt, DeadLetter, Filter, Result, Waiting

EVERY = 2.0
"""Seconds from one read of the queues to the next."""

_MOST_CLOSED = 500
"""The most messages that are stored after they have left their queue."""

Counts = Mapping[tuple[str, str], Waiting]


class State(StrEnum):
    """The state of a dead letter, as the board shows it."""

    WAITING = "in its queue"
    HELD = "received by another command"
    FAILED = "failed again"
    REDRIVEN = "redriven"
    DISCARDED = "deleted"
    GONE = "no longer in its queue"


_OPEN = frozenset({State.WAITING, State.HELD, State.FAILED})
_STATES = {
    Result.REDRIVEN: State.REDRIVEN,
    Result.FAILED_AGAIN: State.FAILED,
    Result.UNRECOGNISED: State.WAITING,
}


@dataclass
class Entry:
    """A dead letter of the list.

    Attributes:
        dead_letter: The message as it was received last.
        state: Its state.
        cause: Why its redrive failed; empty before.
        note: What the last action on it said; empty if nothing.
        redrives: How often it was redriven, with or without success.
        ended: The final status of its order; empty if that has none, or it is not known.
        alike: The number of messages in the queues with the same consumer and error.
        changed: The version of the list in which it changed last.
    """

    dead_letter: DeadLetter
    state: State = State.WAITING
    cause: str = ""
    note: str = ""
    redrives: int = 0
    ended: str = ""
    alike: int = 1
    changed: int = 0

    @property
    def is_open(self) -> bool:
        """Return whether the message is in its queue."""
        return self.state in _OPEN

    @property
    def kind(self) -> tuple[str, str]:
        """The consumer and the error: messages with the same ones are alike."""
        return self.dead_letter.consumer, self.dead_letter.error


@dataclass(frozen=True)
class _Read:
    counts: Counts
    absent: list[str]
    found: list[DeadLetter] | None
    """None: not received, because nothing has changed."""
    ended: Mapping[str, str] | None
    """Order's id → its final status; None: not read."""


class DeadLetterList:
    """The dead letters of the stack.

    Attributes:
        version: Increases with each change.
        problem: Why there is no list; empty if there is one.
        notes: Sentences about what the list does not show.
        cloud: The name of the stack's cloud.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._entries: dict[str, Entry] = {}
        self._lock = asyncio.Lock()
        self._acting = False
        self._read_at = -EVERY
        self._revision = 0
        self._generation = 0
        self._counts: Counts = {}
        self._absent: list[str] = []
        self.version = 0
        self.problem = ""
        self.notes: list[str] = []
        self.cloud = ""

    def newest_first(self) -> list[Entry]:
        """Return the messages that are in the queues, the newest first."""
        found = [each for each in self._entries.values() if each.is_open]
        return sorted(found, key=lambda each: each.dead_letter.sent_at, reverse=True)

    def changed_after(self, version: int) -> list[Entry]:
        """Return the messages that changed after a version, the newest first."""
        found = [each for each in self._entries.values() if each.changed > version]
        return sorted(found, key=lambda each: each.dead_letter.sent_at, reverse=True)

    def get(self, message_id: str) -> Entry:
        """Return a message.

        Raises:
            WorkshopError: It is not stored.
        """
        try:
            return self._entries[message_id]
        except KeyError:
            raise WorkshopError("The list does not have this dead letter any more.") from None

    async def refresh(self) -> None:
        """Read the queues, unless that was done just now or an action is under way."""
        if self._acting:
            return
        async with self._lock:
            if time.monotonic() - self._read_at < EVERY:
                return
            try:
                await self._read()
                self.problem = ""
            except EXPECTED as error:
                self.problem = str(error)
            self._read_at = time.monotonic()

    async def redrive(self, wanted: Filter) -> Counter[Result]:
        """Redrive messages; the list shows each result at once.

        Args:
            wanted: Which messages; with their consumer, so that no other queue is touched.

        Raises:
            WorkshopError: No message could be received, or another action is under way.
        """
        counts: Counter[Result] = Counter()
        loop = asyncio.get_running_loop()

        def note(attempt: Attempt, function: str) -> None:
            counts[attempt.result] += 1
            self._note(attempt)
            if attempt.result is Result.REDRIVEN:
                event_id = (attempt.dead_letter.event or {}).get("id")
                self._board.feed.events.redriven(str(event_id), function)
                self._board.feed.wake()

        def run(stack: Stack) -> None:
            names = stack.outputs.function_names
            queues = dead_letters.of(stack, wanted.consumer, wait_seconds=_wait(stack))
            with queues.redriven(wanted) as attempts:
                for attempt in attempts:
                    function = names.get(attempt.dead_letter.consumer, "")
                    loop.call_soon_threadsafe(note, attempt, function)

        async with self._action():
            await self._board.do(run)
        if not counts:
            raise WorkshopError(
                "Nothing was redriven: the message has left the queue, or another command has "
                "received it just now."
            )
        return counts

    async def discard(self, message_id: str) -> None:
        """Delete a message.

        Raises:
            WorkshopError: Another command has received it, or another action is under way.
        """
        entry = self.get(message_id)

        def run(stack: Stack) -> None:
            consumer = entry.dead_letter.consumer
            queues = dead_letters.of(stack, consumer, wait_seconds=_wait(stack)).queues
            discarding.delete(queues, message_id)

        async with self._action():
            await self._board.do(run)
            self._change(entry, State.DISCARDED)
            self._count_alike()

    def remark(self, entry: Entry, note: str) -> None:
        """Show a sentence at a message, in all browsers."""
        entry.note = note
        self._change(entry, entry.state, anyway=True)

    @asynccontextmanager
    async def _action(self) -> AsyncIterator[None]:
        """Let one action run at a time, and no read of the queues meanwhile."""
        if self._acting:
            raise WorkshopError("A redrive is under way. Wait for its end.")
        self._acting = True
        try:
            async with self._lock:
                yield
        finally:
            self._acting = False
            self._counts = {}

    async def _read(self) -> None:
        feed = self._board.feed
        if feed.generation != self._generation:
            self._generation, self._revision, self._counts = feed.generation, 0, {}
            self._entries.clear()  # of the cloud before its restart
        revision = feed.events.revision
        dead_lettered = any(
            delivery.outcome is Outcome.DEAD_LETTERED
            for line in feed.events.changed_after(self._revision)
            for delivery in line.deliveries
        )
        known = {} if dead_lettered else self._counts
        orders = {each.dead_letter.order_id or "" for each in self.newest_first()} - {""}
        read = await self._board.do(lambda stack: _look(stack, self._absent, known, orders))
        self._revision, self._counts, self._absent = revision, read.counts, read.absent
        stack = await self._board.stack()
        self.cloud = stack.target.name
        held = dead_letter_view.held(sum(each.held for each in read.counts.values()))
        absent = dead_letter_view.not_shown(stack, read.absent) if read.absent else ""
        notes = [each for each in (held, absent) if each]
        if notes != self.notes:
            self.notes = notes
            self.version += 1
        if read.found is not None:
            self._merge(read.found)
        if read.ended is not None:
            self._note_ends(read.ended)

    def _merge(self, found: list[DeadLetter]) -> None:
        ids = {each.message_id for each in found}
        for each in found:
            entry = self._entries.get(each.message_id)
            if entry is None:
                self._entries[each.message_id] = entry = Entry(each)
                self._change(entry, State.WAITING)
            elif entry.state is not State.FAILED:
                self._change(entry, State.WAITING)
        for name, entry in self._entries.items():
            if name not in ids and entry.is_open:
                queue = entry.dead_letter.consumer, entry.dead_letter.queue
                held = queue in self._counts and self._counts[queue].held
                self._change(entry, State.HELD if held else State.GONE)
        self._count_alike()
        closed = [name for name, entry in self._entries.items() if not entry.is_open]
        for name in closed[:-_MOST_CLOSED]:
            del self._entries[name]

    def _note_ends(self, ended: Mapping[str, str]) -> None:
        for entry in self._entries.values():
            status = ended.get(entry.dead_letter.order_id or "", "")
            if entry.is_open and entry.ended != status:
                entry.ended = status
                self._change(entry, entry.state, anyway=True)

    def _note(self, attempt: Attempt) -> None:
        found = attempt.dead_letter
        entry = self._entries.setdefault(found.message_id, Entry(found))
        entry.redrives += attempt.result in {Result.FAILED_AGAIN, Result.REDRIVEN}
        entry.cause = dead_letter_view.cause(attempt.error, attempt.reason)
        self._change(entry, _STATES[attempt.result], anyway=True)
        self._count_alike()

    def _change(self, entry: Entry, state: State, *, anyway: bool = False) -> None:
        if anyway or entry.state is not state or not entry.changed:
            self.version += 1
            if entry.state is not state:
                entry.note = ""
            entry.state, entry.changed = state, self.version

    def _count_alike(self) -> None:
        counts = Counter(each.kind for each in self._entries.values() if each.is_open)
        for entry in self._entries.values():
            if entry.is_open and entry.alike != counts[entry.kind]:
                entry.alike = counts[entry.kind]
                self._change(entry, entry.state, anyway=True)


def _look(stack: Stack, absent: list[str], known: Counts, orders: set[str]) -> _Read:
    """Read the counts of the queues, and the messages if a count has changed.

    Args:
        stack: The stack.
        absent: The names of the queues that did not exist at the last read.
        known: The counts of the last read; empty to receive the messages in any case.
        orders: The ids of the orders with known messages.
    """
    if absent or not known:
        absent = dead_letters.missing_queues(stack)
    counts = dead_letters.of(stack, without=absent).queues.waiting()
    if known and counts == known:
        # In an account, each read has a price.
        return _Read(counts, absent, None, _ended(stack, orders) if stack.target.own else None)
    # A queue whose messages are all invisible is in use by another command: leave it alone.
    empty = [dead_letters.name(*key) for key, each in counts.items() if not each.visible]
    queues = dead_letters.of(stack, without=[*absent, *empty], wait_seconds=_wait(stack)).queues
    found = dead_letters.look(queues) if len(empty) < len(counts) else []
    orders = orders | {each.order_id for each in found if each.order_id}
    return _Read(counts, absent, found, _ended(stack, orders))


def _ended(stack: Stack, orders: set[str]) -> dict[str, str]:
    """Return order's id → status, of the orders with a final one."""
    if not orders or "orders" not in stack.outputs.table_names:
        return {}
    found = order_rows.statuses(stack, sorted(orders))
    return {each: status for each, status in found.items() if order_rows.is_settled(stack, status)}


def _wait(stack: Stack) -> int:
    """Return how long to ask a queue for more messages: not at all on the local cloud."""
    return 0 if stack.target.own else 1
