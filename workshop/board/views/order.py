"""One order: its status, its waterfall, its rows in the tables, and its events."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from workshop.board import order_list
from workshop.board.advice_links import link_of
from workshop.board.dead_letter_cause import GATEWAY_ERROR, Cause, of_token
from workshop.board.event_list import EventLine
from workshop.board.order_reading import WatchedOrder, WatchedOrders
from workshop.board.page import Board
from workshop.board.views.events import SHOWN, function_keys, line_values
from workshop.errors import UsageError
from workshop.journeys import svg
from workshop.orders import arguments
from workshop.stages import flow

BEAT_SECONDS = 0.1
"""Between two checks whether a read has ended."""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _Order(board)
    return [
        Route("/waterfall.css", _style),
        Route("/orders/{order_id}", view.page),
        Route("/orders/{order_id}/live", view.live),
    ]


async def _style(_: Request) -> Response:
    """Return the style sheet of the waterfalls."""
    return Response(svg.CSS, media_type="text/css")


class _Order:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._watched = WatchedOrders(board)

    async def page(self, request: Request) -> Response:
        """Show an order."""
        try:
            order_id = arguments.order_id(request.path_params["order_id"])
        except UsageError as error:
            return await self._none(request, str(error))
        order, personal = self._watched.get(order_id), _personal(request)
        feed, keys = self._board.feed, await function_keys(self._board)
        await order.reading.fresh()
        lines = feed.events.of_order(order_id)[::-1]
        if not lines and not order.now.rows and not order.reading.problem:
            return await self._none(request, f"There is no order {order_id}.")
        return await self._board.page(
            request,
            "order.html",
            order=order,
            parts=self._parts(order, personal=personal),
            tables=self._tables(order),
            personal=personal,
            lines=line_values(lines[:SHOWN], keys),
            hidden=max(len(lines) - SHOWN, 0),
            shown=SHOWN,
            after=feed.events.revision,
            generation=feed.generation,
        )

    async def live(self, request: Request) -> Response:
        """Stream what changed about the order."""
        try:
            order_id = arguments.order_id(request.path_params["order_id"])
        except UsageError as error:
            return await self._none(request, str(error))
        order, personal = self._watched.get(order_id), _personal(request)
        keys = await function_keys(self._board)
        shown: dict[str, str] = {}
        reads = -1
        if request.query_params.get("reads") == str(order.reading.reads):
            reads, shown = order.reading.reads, self._parts(order, personal=personal)

        async def render(after: int) -> str:
            nonlocal reads
            order.reading.refresh()
            changed = self._board.feed.events.changed_after(after)
            lines = [each for each in changed if each.order_id == order_id]
            html = [
                self._board.render("event_line.html", **values)
                for values in line_values(lines[:SHOWN], keys)
            ]
            if order.reading.reads != reads and order.reading.reads:
                reads = order.reading.reads
                parts = self._parts(order, personal=personal)
                html += [part for name, part in parts.items() if shown.get(name) != part]
                shown.update(parts)
            return "".join(html)

        return self._board.live(request, render, every=BEAT_SECONDS)

    def _parts(self, order: WatchedOrder, *, personal: bool) -> dict[str, str]:
        """Return the parts of the page that change: name → HTML."""
        now, render, reading = order.now, self._board.render, order.reading
        keys = reading.stack.outputs.function_keys if reading.stack else {}
        lines = self._board.feed.events.of_order(order.order_id)
        advice = _advice(now.advice, order.order_id, lines, keys)
        parts = {
            "state": render("order_state.html", now=now, problem=reading.problem, advice=advice),
            "waterfall": render("order_waterfall.html", waterfall=now.waterfall),
            "changes": render("order_changes.html", changes=order.newest_changes()),
        }
        for table in self._tables(order):
            cells = order.cells(table, personal=personal)
            parts[table] = render("order_table.html", table=table, cells=cells)
        return parts

    def _tables(self, order: WatchedOrder) -> list[str]:
        """Return the tables of the stack."""
        stack = order.reading.stack
        return [each for each in flow().tables if stack and each in stack.outputs.table_names]

    async def _none(self, request: Request, sentence: str) -> Response:
        """Say that there is no such order."""
        page = await self._board.page(request, "order_none.html", sentence=sentence)
        page.status_code = HTTPStatus.NOT_FOUND
        return page


def _personal(request: Request) -> bool:
    return request.query_params.get("personal") == "1"


def _advice(
    sentences: Iterable[str],
    order_id: str,
    lines: Sequence[EventLine],
    keys: Mapping[str, str],
) -> list[tuple[str, str, str]]:
    """Return the lines of an order's advice, each with the text and the address of its link.

    A cause that no redrive removes comes last.
    """
    found = [
        (line, *link_of(line, order_id, lines, keys))
        for sentence in sentences
        for line in sentence.splitlines()
    ]
    cause = _lasting_cause(lines, keys) if found else None
    if cause:
        found.append((cause.sentence, cause.text, cause.link))
    return found


def _lasting_cause(lines: Sequence[EventLine], keys: Mapping[str, str]) -> Cause | None:
    """Return the cause of an order's failure that no redrive removes; None if there is none."""
    if (missed := order_list.lost(lines, keys)) is None:
        return None
    line, consumer = missed
    reasons = {each.reason for each in line.deliveries if keys.get(each.function) == consumer.name}
    return of_token(line.content, consumer.name) if GATEWAY_ERROR in reasons else None
