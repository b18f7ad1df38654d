"""Dead letters: what failed and why; redrive them, or discard one."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.board.dead_letter_cause import cause_of
from workshop.board.dead_letter_list import EVERY, DeadLetterList, Entry
from workshop.board.masking import masked
from workshop.board.page import Board, revision
from workshop.errors import EXPECTED
from workshop.recovery import dead_letter_view, discarding
from workshop.recovery.dead_letters import Filter

SHOWN = 200
"""The most messages of the list; the page says how many more there are."""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _DeadLetters(board)
    one = "/dead-letters/{id}"
    return [
        Route("/dead-letters", view.page),
        Route("/dead-letters/live", view.live),
        Route(one, view.row),
        Route(f"{one}/payload", view.payload),
        Route(f"{one}/discard", view.consequence),
        Route(f"{one}/discard", view.discard, methods=["POST"]),
        Route(f"{one}/redrive", view.redrive, methods=["POST"]),
        Route(f"{one}/redrive-alike", view.redrive_alike, methods=["POST"]),
    ]


class _DeadLetters:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._list = DeadLetterList(board)

    async def page(self, request: Request) -> Response:
        """Show the messages in the dead-letter queues."""
        await self._list.refresh()
        order = _order(request)
        found = self._list.newest_first() if not self._list.problem else []
        found = [each for each in found if _is_of(each, order)]
        return await self._board.page(
            request,
            "dead_letters.html",
            notes=self._notes(),
            order=order,
            rows=[self._row(each) for each in found[:SHOWN]],
            hidden=max(len(found) - SHOWN, 0),
            shown=SHOWN,
            version=self._list.version,
            after=self._board.feed.events.revision,
            generation=self._board.feed.generation,
        )

    async def live(self, request: Request) -> Response:
        """Stream the messages that are new or have another state."""
        version, order = revision(request.query_params.get("version", "0")), _order(request)
        shown = ""

        async def render(_: int) -> str:
            nonlocal version, shown
            await self._list.refresh()
            changed = [each for each in self._list.changed_after(version) if _is_of(each, order)]
            version = self._list.version
            notes = self._notes()
            if notes == shown and not changed:
                return ""
            shown = notes
            return notes + "".join(self._row(each) for each in changed[:SHOWN])

        return self._board.live(request, render, every=EVERY)

    async def row(self, request: Request) -> Response:
        """Show one message as in the list."""
        return await self._of(request, self._shown)

    async def payload(self, request: Request) -> Response:
        """Show a message's body, with personal data only if that is asked for."""
        personal = request.query_params.get("personal") == "1"

        async def show(entry: Entry) -> str:
            found = entry.dead_letter
            content = dead_letter_view.content(found.body)
            if content is None:
                text = found.body if personal else ""
            else:
                content = content if personal else masked(content)
                text = json.dumps(content, indent=2, ensure_ascii=False)
            return self._board.render(
                "dead_letter_payload.html",
                found=found,
                text=text,
                size=len(found.body.encode("utf-8", "surrogatepass")),
                personal=personal,
            )

        return await self._of(request, show)

    async def consequence(self, request: Request) -> Response:
        """Say what follows when a message is discarded, and ask."""

        async def ask(entry: Entry) -> str:
            found = entry.dead_letter
            now = datetime.now(UTC)
            follows = await self._board.do(lambda s: discarding.consequence(s, found, now))
            return self._row(entry, confirm=True, follows=follows)

        return await self._of(request, ask)

    async def discard(self, request: Request) -> Response:
        """Delete a message."""

        async def delete(entry: Entry) -> str:
            await self._list.discard(entry.dead_letter.message_id)
            return self._row(entry, apart=True, focus=True)

        return self._board.refusal() or await self._of(request, delete)

    async def redrive(self, request: Request) -> Response:
        """Invoke the function that failed with its message again."""

        async def one(entry: Entry) -> str:
            found = entry.dead_letter
            await self._list.redrive(Filter(consumer=found.consumer, message_id=found.message_id))
            return self._row(entry, apart=True, focus=True)

        return self._board.refusal() or await self._of(request, one)

    async def redrive_alike(self, request: Request) -> Response:
        """Redrive all messages with the same consumer and error."""

        async def all_alike(entry: Entry) -> str:
            consumer, error = entry.kind
            before = self._list.version
            counts = await self._list.redrive(Filter(consumer=consumer, error=error))
            self._list.remark(entry, dead_letter_view.summary(counts))
            return "".join(
                self._row(each, apart=True, focus=each is entry)
                for each in self._list.changed_after(before)[:SHOWN]
            )

        return self._board.refusal() or await self._of(request, all_alike)

    async def _of(self, request: Request, show: Callable[[Entry], Awaitable[str]]) -> Response:
        """Return what is shown of a message, or the sentence of an error in its row.

        A response to an action replaces rows by their ids: meanwhile the stream may have replaced
        the row with the button.
        """
        try:
            entry = self._list.get(request.path_params["id"])
        except EXPECTED as error:
            html = self._notes(problem=str(error), apart=True)
            return HTMLResponse(html, HTTPStatus.UNPROCESSABLE_ENTITY)
        try:
            return HTMLResponse(await show(entry))
        except EXPECTED as error:
            self._list.remark(entry, str(error))
            html = self._row(entry, apart=request.method == "POST", focus=True)
            return HTMLResponse(html, HTTPStatus.UNPROCESSABLE_ENTITY)

    async def _shown(self, entry: Entry) -> str:
        return self._row(entry, focus=True)

    def _notes(self, **more: Any) -> str:
        shown = {
            "problem": self._list.problem,
            "notes": self._list.notes,
            "is_empty": not self._list.newest_first(),
            "apart": False,
        }
        return self._board.render("dead_letter_notes.html", **{**shown, **more})

    def _row(self, entry: Entry, **more: Any) -> str:
        found = entry.dead_letter
        event_id = str((found.event or {}).get("id", ""))
        shown = {"confirm": False, "follows": "", "apart": False, "focus": False}
        return self._board.render(
            "dead_letter_row.html",
            entry=entry,
            found=found,
            event_id=event_id if self._board.feed.events.get(event_id) else "",
            age=dead_letter_view.age(found, datetime.now(UTC)),
            short=found.message_id[: dead_letter_view.SHORT],
            is_undelivered=found.queue == "undelivered",
            cause=cause_of(
                found,
                cloud=self._list.cloud,
                gateway_up=self._board.faults.state.gateway_up,
            ),
            **{**shown, **more},
        )


def _order(request: Request) -> str:
    """Return the id of the order whose messages are shown; empty for those of all orders."""
    return request.query_params.get("order", "").strip()


def _is_of(entry: Entry, order: str) -> bool:
    return not order or entry.dead_letter.order_id == order
