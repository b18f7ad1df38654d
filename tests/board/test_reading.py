"""What the board reads of the stack while a browser watches, and how often."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.board.fakes import FakeSource, bus_event, fake_stack
from workshop.board.feed import Feed
from workshop.board.page import Board
from workshop.board.reading import Reading
from workshop.errors import WorkshopError

SECONDS = 20


@pytest.fixture
def board():
    source = FakeSource()
    return Board(source, Feed(source), "token")


def watched(board, *, busy_until=0, step=0.1, pause=2):
    """Return the times of the reads of a page that is watched; events happen at its start."""
    now, reads = [0.0], []

    async def watch():
        reading = Reading(
            board, lambda _: reads.append(now[0]), pause=pause, settled=6, clock=lambda: now[0]
        )
        for tick in range(int(SECONDS / step)):
            now[0] = round(tick * step, 3)
            if now[0] < busy_until:
                board.feed.events.add([bus_event(event_id=str(tick))])
            await reading.fresh()

    asyncio.run(watch())
    return reads


def test_reads_have_a_pause_between_them_while_events_happen(board):
    reads = watched(board, busy_until=SECONDS)
    assert min(after - before for before, after in pairwise(reads)) >= 2
    assert len(reads) == SECONDS / 2


def test_reads_are_rare_after_the_last_event_was_read(board):
    assert watched(board, busy_until=3) == [0, 2, 4, 10, 16]


def test_reads_in_an_account_are_rarer():
    stack = fake_stack()
    target = replace(stack.target, own=False)
    source = FakeSource(replace(stack, target=target))
    board = Board(source, Feed(source), "token")
    assert watched(board, busy_until=3, pause=0.5) == [0, 2, 4]


def test_a_failed_read_keeps_the_last_value_and_says_why(board):
    results = iter([1, WorkshopError("AWS did not answer."), 3])

    def read(_):
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    async def three_times():
        reading = Reading(board, read, pause=0, settled=0)
        for _ in range(3):
            await reading.fresh()
            yield reading.value, reading.problem, reading.reads

    async def collected():
        return [each async for each in three_times()]

    assert asyncio.run(collected()) == [(1, "", 1), (1, "AWS did not answer.", 2), (3, "", 3)]
