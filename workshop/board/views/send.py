"""Edit an event and send it, again or for the first time.

The editor contains either an event with all its real values or nothing, and an event with masked
values is never sent: so nobody sends a masked payload by accident. An event that is sent unchanged
needs no editor: the board has its values.
"""

import hashlib
import json
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.board.masking import has_masked, masked
from workshop.board.page import Board, form
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.orders import arguments, sending
from workshop.stages import flow

BUS = "bus"
"""The target that is the bus; every other target is the key of a function."""

_WAIT_SECONDS = 3.0
"""The longest wait of one request for an event that was sent: a busy function gets it later."""

MASKED = (
    "The event contains masked values. Open the original event with its personal data, and edit "
    "that."
)


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _Send(board)
    return [
        Route("/send", view.page, methods=["GET"]),
        Route("/send", view.send, methods=["POST"]),
        Route("/send/check", view.check, methods=["POST"]),
        Route("/send/sent", view.sent, methods=["GET"]),
    ]


class _Send:
    def __init__(self, board: Board) -> None:
        self._board = board

    async def page(self, request: Request) -> Response:
        """Show the editor with a template or a copy of an event."""
        query = request.query_params
        original, template = query.get("from", ""), query.get("template", "")
        try:
            event = self._copied(original) if original else None
            if template:
                event = sending.from_template(template)
            functions = (await self._board.stack()).outputs.function_names
        except EXPECTED as error:
            return await self._board.page(request, "error.html", message=str(error))
        hidden = bool(original) and query.get("personal") != "1"
        if event and original and query.get("new") == "1":
            event = sending.with_new_order(event)
        return await self._board.page(
            request,
            "send.html",
            templates=list(sending.templates()),
            chosen=template,
            original=original,
            new=query.get("new") == "1",
            event=_indented(masked(event) if hidden else event) if event else "",
            hidden=hidden,
            unchanged=hidden and query.get("new") != "1",
            bus=BUS,
            target=query.get("target", BUS),
            functions=[
                each.key
                for each in flow().functions.values()
                if each.consumes and each.key in functions
            ],
        )

    async def check(self, request: Request) -> Response:
        """Show every validation error of the text in the editor."""
        text = (await form(request)).get("event", "")
        problem, found = "", list[str]()
        try:
            event = _unmasked(text)
            found = sending.violations(event)
        except UsageError as error:
            problem = str(error)
        html = self._board.render(
            "send_check.html", problem=problem, violations=found, digest=_digest(text)
        )
        return HTMLResponse(html)

    async def send(self, request: Request) -> Response:
        """Send the event, and go to its order's page."""
        if refusal := self._board.refusal():
            return refusal
        given = await form(request)
        text, target = given.get("event", ""), given.get("target", BUS)

        def send(stack: Stack) -> str:
            if target == BUS:
                return sending.put_on_bus(stack, event)
            return sending.invoke(stack, target, event)

        original = given.get("from", "")
        unchanged = bool(original) and "event" not in given
        try:
            event = self._copied(original) if unchanged else _unmasked(text)
            consent = unchanged or given.get("although") == _digest(text)
            if not consent and sending.violations(event):
                raise WorkshopError(
                    "Not sent: the event is invalid. Fix it, or select that it is sent although "
                    "it is invalid."
                )
            key = await self._board.do(send)
        except EXPECTED as error:
            html = self._board.render("error.html", message=str(error))
            return HTMLResponse(html, HTTPStatus.UNPROCESSABLE_ENTITY)
        if target != BUS:
            self._board.copies.store(key, event)
        if original:
            self._board.copies.add(key, original)
        return await self._sent(key, sending.order_id(event))

    async def sent(self, request: Request) -> Response:
        """Go to the page of an event that was sent, if the board knows it by now."""
        query = request.query_params
        return await self._sent(query.get("key", ""), query.get("order", ""))

    async def _sent(self, key: str, order_id: str) -> Response:
        """Go to the page of an event, or show that the board does not know it yet."""
        known = await self._known(key)
        link = _page_of(order_id) or f"/events/{quote(key, safe='')}"
        html = self._board.render(
            "send_done.html", key=key, order_id=order_id, link=link, known=known
        )
        return HTMLResponse(html, headers={"HX-Redirect": link} if known else None)

    def _copied(self, key: str) -> dict[str, Any]:
        """Return what a sender decides of an event.

        Raises:
            UsageError: The board does not store it.
        """
        line = self._board.feed.events.get(key)
        content = self._board.content(line) if line else {}
        if not content:
            raise UsageError("This event is not stored any more, or it never reached the bus.")
        return {name: content.get(name) for name in sending.FIELDS}

    async def _known(self, key: str) -> bool:
        """Return whether the feed has an event; wait for it."""
        feed, end = self._board.feed, monotonic() + _WAIT_SECONDS
        while feed.events.get(key) is None:
            if (left := end - monotonic()) <= 0:
                return False
            await feed.wait(left)
        feed.events.touch(key)
        feed.wake()
        return True


def _unmasked(text: str) -> dict[str, Any]:
    """Return the event in a text.

    Raises:
        UsageError: It cannot be sent.
    """
    event = sending.parse(text)
    if has_masked(event):
        raise UsageError(MASKED)
    return event


def _page_of(order_id: str) -> str:
    """Return the address of an order's page; empty if there is none."""
    try:
        return f"/orders/{quote(arguments.order_id(order_id), safe='')}"
    except UsageError:
        return ""


def _digest(text: str) -> str:
    """Return what identifies a text: the consent to send it is for this text only."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def _indented(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
