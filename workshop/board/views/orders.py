"""The newest orders: those with a problem first, each with a sentence about it."""

from operator import itemgetter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from workshop.board import order_list
from workshop.board.event_list import EventLine
from workshop.board.order_list import MOST_READ, SHOWN, Listed, OrderList
from workshop.board.page import Board
from workshop.board.reading import Reading
from workshop.board.views.events import function_keys

PAUSE_SECONDS = 2.0
"""Between two reads while events happen."""
SETTLED_SECONDS = 6.0
"""Between two reads while none do."""
BEAT_SECONDS = 0.5
"""Between two checks whether a read has ended."""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _Orders(board)
    return [Route("/orders", view.page), Route("/orders/live", view.live)]


class _Orders:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._reading: Reading[OrderList] = Reading(
            board,
            lambda stack: order_list.read(stack, self._seen()),
            pause=PAUSE_SECONDS,
            settled=SETTLED_SECONDS,
        )

    async def page(self, request: Request) -> Response:
        """Show the newest orders."""
        await self._reading.fresh()
        feed = self._board.feed
        return await self._board.page(
            request,
            "orders.html",
            table=await self._table(),
            after=feed.events.revision,
            generation=feed.generation,
        )

    async def live(self, request: Request) -> Response:
        """Stream the list when it changes."""
        known: Any = None
        shown = ""

        async def render(_: int) -> str:
            nonlocal known, shown
            self._reading.refresh()
            board = self._board
            now = (self._reading.reads, board.feed.events.revision, board.queues.messages)
            if now == known or not self._reading.reads:
                return ""
            table, known = await self._table(), now
            if table == shown:
                return ""
            shown = table
            return table

        return self._board.live(request, render, every=BEAT_SECONDS)

    def _seen(self) -> list[str]:
        """Return the ids of the orders with events, newest first."""
        lines = self._board.feed.events.newest_first()
        return list(dict.fromkeys(each.order_id for each in lines if each.order_id))

    async def _table(self) -> str:
        """Return the HTML of the list: orders with a problem first, each group newest first."""
        keys = await function_keys(self._board)
        now = self._reading.value or OrderList()
        lines: dict[str, list[EventLine]] = {}
        for line in reversed(list(self._board.feed.events.newest_first())):
            lines.setdefault(line.order_id, []).append(line)
        rows = [self._row(each, lines.get(each.order_id, []), now, keys) for each in now.orders]
        rows.sort(key=itemgetter("rank"))
        return self._board.render(
            "orders_table.html",
            rows=rows,
            problems=sum(bool(each["problem"]) for each in rows),
            problem=self._reading.problem,
            seen_only=now.idle is None,
            complete=now.complete,
            shown=SHOWN,
            most_read=MOST_READ,
        )

    def _row(
        self, order: Listed, lines: list[EventLine], now: OrderList, keys: dict[str, str]
    ) -> dict[str, Any]:
        """Return what the template shows of an order; its events are oldest first."""
        queued = self._board.queues.messages
        problem = order_list.problem(order, lines, keys, idle=now.idle, queued=queued)
        return {
            "order": order,
            "problem": problem,
            "rank": 0 if problem else 2 if order.settled else 1,
            "placed_at": order.placed_at or (lines[0].time if lines else ""),
        }
