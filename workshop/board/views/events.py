"""Events, live: a line per event with a mark per consumer; and the details of one event."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from workshop.board.event_list import EventLine, State
from workshop.board.filters import EventFilter
from workshop.board.masking import masked
from workshop.board.page import Board
from workshop.errors import EXPECTED
from workshop.orders import function_logs
from workshop.stages import flow

SHOWN = 200
"""The most lines of the list; the page says how many more there are."""

_LOG_MARGIN = 5_000
"""Milliseconds before the event from which its log lines are read."""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _Events(board)
    return [
        Route("/", view.page),
        Route("/events/live", view.live),
        Route("/events/{key:path}/logs", view.logs),
        Route("/events/{key:path}", view.detail),
    ]


class _Events:
    def __init__(self, board: Board) -> None:
        self._board = board

    async def page(self, request: Request) -> Response:
        """Show the newest events that the filter in the address matches."""
        wanted = EventFilter.of(request.query_params)
        feed, keys = self._board.feed, await function_keys(self._board)
        found = [each for each in feed.events.newest_first() if wanted.matches(each, keys)]
        return await self._board.page(
            request,
            "events.html",
            lines=line_values(found[:SHOWN], keys),
            hidden=max(len(found) - SHOWN, 0),
            shown=SHOWN,
            wanted=wanted,
            types=sorted({each.origin.detail_type for each in feed.events.newest_first()} - {""}),
            functions=list(flow().functions),
            states=list(State),
            after=feed.events.revision,
            generation=feed.generation,
        )

    async def live(self, request: Request) -> Response:
        """Stream the lines that are new or changed."""
        wanted = EventFilter.of(request.query_params)
        keys = await function_keys(self._board)

        async def render(after: int) -> str:
            changed = [
                each
                for each in self._board.feed.events.changed_after(after)
                if wanted.matches(each, keys)
            ]
            lines = line_values(changed[:SHOWN], keys)
            return "".join(self._board.render("event_line.html", **line) for line in lines)

        return self._board.live(request, render)

    async def detail(self, request: Request) -> Response:
        """Show an event: its envelope, its payload, and each attempt at each consumer."""
        line = self._board.feed.events.get(request.path_params["key"])
        if line is None:
            return await self._board.page(request, "event_gone.html")
        keys = await function_keys(self._board)
        personal = request.query_params.get("personal") == "1"
        content = self._board.content(line)
        content = dict(content) if personal else masked(content)
        detail = content.pop("detail", None)
        return await self._board.page(
            request,
            "event_detail.html",
            line=line,
            consumers=line.consumers(keys),
            attempts=_attempts(line, keys),
            envelope=_indented(content) if content else "",
            payload=_indented(detail) if detail is not None else "",
            producer=keys.get(line.producer, line.producer),
            personal=personal,
        )

    async def logs(self, request: Request) -> Response:
        """Show what the event's consumers logged about its order since the event."""
        line = self._board.feed.events.get(request.path_params["key"])
        if line is None:
            return await self._board.page(request, "event_gone.html")
        since = _milliseconds(line.time) - _LOG_MARGIN
        consumers = {each.name for each in line.consumers(await function_keys(self._board))}

        def read(stack: Any) -> list[str]:
            names = stack.outputs.function_names
            found = [
                logged
                for key in names
                if key in consumers
                for logged in function_logs.read(stack, key, names[key], since, line.order_id)
            ]
            return list(function_logs.readable(found))

        async def html() -> str:
            return self._board.render("event_logs.html", lines=await self._board.do(read))

        return await self._board.result(html())


async def function_keys(board: Board) -> dict[str, str]:
    """Return function name → key; empty while no stack is up.

    It includes the functions of later stages: their old events are still in the list.
    """
    try:
        stack = await board.stack()
    except EXPECTED:
        return {}
    prefix = stack.outputs.event_bus_name.removesuffix("bus")
    return {f"{prefix}{key}": key for key in flow().functions} | stack.outputs.function_keys


def line_values(lines: Iterable[EventLine], keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what the template of an event's line shows, for each line.

    Args:
        lines: The events.
        keys: Function name → key.
    """
    return [
        {
            "line": line,
            "consumers": line.consumers(keys),
            "producer": keys.get(line.producer, line.producer),
        }
        for line in lines
    ]


def _attempts(line: EventLine, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the deliveries and repairs of an event, oldest first."""
    found = [
        {
            "time": each.time,
            "consumer": keys.get(each.function, each.function),
            "number": each.attempt,
            "outcome": each.outcome.value,
            "reason": each.reason,
            "milliseconds": each.milliseconds,
        }
        for each in line.deliveries
    ]
    found += [
        {
            "time": each.time,
            "consumer": keys.get(function, function),
            "number": 0,
            "outcome": each.how.value,
            "reason": "with success",
            "milliseconds": 0,
        }
        for function, each in line.repairs.items()
    ]
    return sorted(found, key=lambda each: str(each["time"]))


def _indented(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


def _milliseconds(time: str) -> int:
    from datetime import datetime  # noqa: PLC0415

    return int(datetime.fromisoformat(time).timestamp() * 1000)
