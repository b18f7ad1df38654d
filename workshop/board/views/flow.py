"""The flow as a picture: functions, queues and tables of the stage, and each delivery as it is."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from local_cloud.delivery.delivery_log import Outcome
from workshop.board import flow_picture, stack_counts
from workshop.board.flow_picture import Picture, Point
from workshop.board.flow_state import DELIVERED, FAILED, PUBLISHED, WAITING, FlowState, Move
from workshop.board.page import Board
from workshop.board.reading import Reading
from workshop.board.stack_counts import Counts
from workshop.deployment.stack import Stack
from workshop.stages import flow

COUNT_SECONDS = 2.0
"""Between two reads of the counts while events happen."""
SETTLED_SECONDS = 6.0
"""Between two reads while none do: a discarded dead letter is no event."""
BEAT_SECONDS = 0.5
"""Between two checks for new counts while nothing happens."""

_KINDS = {Outcome.DELIVERED: "good", Outcome.THROTTLED: "warn", Outcome.REFUSED: "warn"}
"""Outcome → the class of its dot; every other outcome is a failure."""


@dataclass(frozen=True)
class FunctionNow:
    """The numbers that the page shows of a function.

    `queued` is None if it has no dead-letter queue, and `buffered` if it has no buffer.
    """

    key: str
    published: int
    delivered: int
    waiting: int
    failed: int
    failing: bool
    queued: int | None
    buffered: int | None

    @property
    def problem(self) -> str:
        """Why the function is red; empty if it is not."""
        if self.failing:
            return "The last attempt failed."
        return "It has dead letters." if self.queued else ""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _Flow(board)
    return [Route("/flow", view.page), Route("/flow/live", view.live)]


class _Flow:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._counts = Reading(
            board,
            stack_counts.read,
            pause=COUNT_SECONDS,
            settled=SETTLED_SECONDS,
        )
        self._state = FlowState()

    async def page(self, request: Request) -> Response:
        """Show the flow of the stack."""
        await self._counts.fresh()
        feed = self._board.feed
        return await self._board.page(
            request,
            "flow.html",
            **self._drawn(),
            live={"shape": _shape(self._counts.stack), "reads": self._counts.reads},
            after=feed.events.revision,
            generation=feed.generation,
        )

    async def live(self, request: Request) -> Response:
        """Stream what changed: numbers, failures, and the deliveries as dots."""
        shape = request.query_params.get("shape", "")
        shown: dict[str, Any] = {}
        revision = str(self._board.feed.events.revision)
        if (revision, str(self._counts.reads)) == (
            request.query_params.get("after"),
            request.query_params.get("reads"),
        ):
            list(self._changes(int(revision), shown))  # the page shows all of it

        async def render(after: int) -> str:
            nonlocal shape
            self._counts.refresh()
            if not self._counts.reads:
                return ""
            if _shape(self._counts.stack) != shape:
                shape = _shape(self._counts.stack)
                shown.clear()
                return self._board.render("flow_main.html", **self._drawn())
            return "".join(self._changes(after, shown))

        return self._board.live(request, render, every=BEAT_SECONDS)

    def _changes(self, after: int, shown: dict[str, Any]) -> Iterator[str]:
        """Yield the HTML of what a browser does not show yet."""
        picture, counts, render = _picture(self._counts.stack), self._values(), self._board.render
        for now in self._functions(picture):
            before, shown[now.key] = shown.get(now.key), now
            if before != now:
                node = picture.nodes[now.key]
                yield render(
                    "flow_function.html", now=now, before=before, node=node, place=flow_picture
                )
        if shown.get("/items") != counts.items:
            shown["/items"] = counts.items
            for lane in picture.lanes:
                if lane.table:
                    items = counts.items.get(lane.table)
                    yield render("flow_table.html", lane=lane, items=items, place=flow_picture)
        moves = [
            {"points": points, "kind": kind, "count": count}
            for move, count in self._state.moves(after).items()
            for points, kind in [_way(picture, move)]
            if len(points) > 1
        ]
        if moves:
            yield render("flow_moves.html", moves=moves)

    def _drawn(self) -> dict[str, Any]:
        """Return what the page's templates show."""
        picture = _picture(self._counts.stack)
        return {
            "picture": picture,
            "functions": {each.key: each for each in self._functions(picture)},
            "items": self._values().items,
            "problem": self._counts.problem if self._counts.stack is None else "",
            "place": flow_picture,
        }

    def _values(self) -> Counts:
        """Return the newest counts; none if the last read failed."""
        return self._counts.value if self._counts.value and not self._counts.problem else Counts()

    def _functions(self, picture: Picture) -> list[FunctionNow]:
        """Return the numbers of the picture's functions, from the top."""
        stack, values = self._counts.stack, self._values()
        names = stack.outputs.function_names if stack else {}
        self._state.catch_up(self._board.feed.events, {name: key for key, name in names.items()})
        counts = self._state.counts
        return [
            FunctionNow(
                key=key,
                published=counts[key, PUBLISHED],
                delivered=counts[key, DELIVERED],
                waiting=counts[key, WAITING],
                failed=counts[key, FAILED],
                failing=key in self._state.failing,
                queued=values.messages.get(key, 0) if node.has_queue else None,
                buffered=values.buffered.get(key, 0) if node.has_buffer else None,
            )
            for key, node in picture.nodes.items()
        ]


def _picture(stack: Stack | None) -> Picture:
    outputs = asdict(stack.outputs) if stack else {}
    return flow_picture.picture_of(
        flow(),
        outputs.get("function_names", {}),
        outputs.get("table_names", {}),
        outputs.get("dead_letter_queue_urls", {}),
        outputs.get("buffer_queue_urls", {}),
    )


def _shape(stack: Stack | None) -> str:
    """Return what the picture is drawn from: another stage has another one."""
    if stack is None:
        return ""
    outputs = stack.outputs
    parts = (
        outputs.function_names,
        outputs.table_names,
        outputs.dead_letter_queue_urls,
        outputs.buffer_queue_urls,
    )
    return " ".join(".".join(sorted(each)) for each in parts)


def _way(picture: Picture, move: Move) -> tuple[tuple[Point, ...], str]:
    """Return the way of a dot, and its class."""
    kind = _KINDS.get(move.outcome, "bad")
    if not move.consumer:
        return picture.publication(move.step, move.producer), "bad"
    if move.outcome is Outcome.DEAD_LETTERED:
        return picture.dead_letter(move.consumer), kind
    way = picture.delivery(move.step, move.producer, move.consumer)
    if move.outcome is Outcome.DROPPED and way:
        (x, y), (end, _) = way[-2:]
        way = (*way[:-1], ((x + end) // 2, y))  # it does not arrive
    return way, kind
