"""What every view needs: the stack, the feed, and templates."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from local_cloud.errors import NoAnswerError
from workshop.board.copies import Copies
from workshop.board.event_list import EventLine
from workshop.board.fault_watch import FaultWatch
from workshop.board.feed import Feed
from workshop.board.queue_watch import QueueWatch
from workshop.board.source import Source
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import Stack, command
from workshop.errors import EXPECTED

_TEMPLATES = Path(__file__).with_name("templates")
_LIBRARY = "htmx.min.js"
_STATIC = Path(__file__).with_name("static")
_TICK = 0.1
"""Seconds between two messages to one browser: a burst of changes becomes one message."""
_DIGITS = 18
"""The most digits of a revision; Python refuses to read a number with thousands."""
_BEAT = 15.0
"""Seconds after which a browser gets a message even without a change: the banners."""

READ_ONLY = "The board only shows this stack. To change it as well: make board ARGS=--act"
"""The response to an action on a stack that the board must not change."""

VIEWS = (
    ("Orders", "/orders"),
    ("Events", "/"),
    ("Flow", "/flow"),
    ("Dead letters", "/dead-letters"),
    ("Place an order", "/place-order"),
    ("Send an event", "/send"),
    ("Why not?", "/why"),
    ("Faults", "/faults"),
    ("Lesson", "/lesson"),
)
"""The links at the top of each page: title and path."""

_T = TypeVar("_T")

Live = Callable[[int], Awaitable[str]]
"""Returns the HTML of what changed after a revision; empty if nothing did."""


def environment() -> Environment:
    """Return the environment of the templates; everything that they show is escaped."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["query"] = urlencode
    made.filters["urlencode"] = _quoted
    return made


@dataclass
class Board:
    """A running board, as the views use it.

    Attributes:
        source: Where the stack is read.
        feed: The stack's events.
        token: The token that each POST repeats.
        copies: What the board has sent.
        faults: The injected faults.
        queues: The number of dead letters.
    """

    source: Source
    feed: Feed
    token: str
    copies: Copies = field(default_factory=Copies)
    faults: FaultWatch = field(init=False)
    queues: QueueWatch = field(init=False)
    _templates: Environment = field(default_factory=environment)

    def __post_init__(self) -> None:
        self.faults = FaultWatch(self.source, self.feed)
        self.queues = QueueWatch(self.source, self.feed)

    async def stack(self) -> Stack:
        """Return the stack as it is now.

        Raises:
            WorkshopError: No stack is up, or the cloud does not respond.
            NoAnswerError: The feed has found out that the cloud does not answer in time.
        """
        if self.feed.silent:  # each page would wait for it, and soon no thread is free
            raise NoAnswerError(self.feed.problem)
        return await run_in_threadpool(self.source.stack)

    async def do(self, action: Callable[[Stack], _T]) -> _T:
        """Run a function of the command line on the stack, in a thread.

        Raises:
            WorkshopError: It failed; the message says what to do.
        """
        stack = await self.stack()

        def run() -> _T:
            with aws_errors():
                return action(stack)

        return await run_in_threadpool(run)

    def content(self, line: EventLine) -> Mapping[str, Any]:
        """Return an event as far as it is known; empty if it is not."""
        return line.content or self.copies.sent(line.key)

    def render(self, template: str, **values: Any) -> str:
        """Return a template's HTML; a lone surrogate, which JSON may contain, is shown as JSON."""
        html = self._templates.get_template(template).render(board=self, **values)
        return html.encode("utf-8", "backslashreplace").decode()

    async def page(self, request: Request, template: str, **values: Any) -> HTMLResponse:
        """Return a whole page, or only its main part if htmx asks for a part.

        Args:
            request: The request.
            template: The template of the page's main part.
            values: What it shows.
        """
        main = self.render(template, **values)
        if "hx-request" in request.headers:
            return HTMLResponse(main)
        try:
            stack = await self.stack()
            where = f"stage {stack.stage} on {stack.target.name}"
        except EXPECTED:
            where = "no stack"
        whole = self.render(
            "page.html",
            main=main,
            views=VIEWS,
            styles=_named("*.css"),
            scripts=[each for each in _named("*.js") if each != _LIBRARY],
            path=request.url.path,
            where=where,
        )
        return HTMLResponse(whole)

    def banners(self) -> str:
        """Return the HTML of the banners that every page shows."""
        return self.render("banners.html")

    def everywhere(self) -> str:
        """Return the HTML of what changes on every page: the banners, and a count of the menu."""
        return self.banners() + self.render("menu_count.html")

    def refusal(self) -> Response | None:
        """Return the response to every action if the board must not change the stack."""
        if self.source.may_act:
            return None
        html = self.render("error.html", message=READ_ONLY)
        return HTMLResponse(html, HTTPStatus.FORBIDDEN)

    def live(self, request: Request, render: Live, *, every: float = _BEAT) -> EventSourceResponse:
        """Return a stream of server-sent events that updates a page.

        Each message has HTML elements with ids: the page replaces its elements with the same ids,
        and adds new ones to its list. The id of the message is the feed's revision.

        Args:
            request: The request; `after` in its query, or the last message's id, says which
                revision the page shows. With `generation`, the page reloads for another log.
            render: Returns the HTML of what changed after a revision.
            every: Seconds after which it is called again even if the feed has nothing new.
        """

        async def messages() -> AsyncIterator[dict[str, str]]:
            after = _revision(request)
            generation = request.query_params.get("generation", "")
            shown = ""
            while True:
                if generation not in {"", str(self.feed.generation)}:
                    yield {"event": "reload", "data": ""}
                    return
                newest = self.feed.events.revision
                banners = self.everywhere()
                html = await render(after)
                if html or banners != shown:
                    data = f"{banners if banners != shown else ''}{html}".replace("\n", " ")
                    shown = banners
                    yield {"id": str(newest), "data": data}
                after = newest
                await asyncio.sleep(_TICK)
                if self.feed.events.revision == after and self.everywhere() == shown:
                    await self.feed.wait(every)

        async def watched() -> AsyncIterator[dict[str, str]]:
            self.faults.watchers += 1
            try:
                async for message in messages():
                    yield message
            finally:
                self.faults.watchers -= 1

        return EventSourceResponse(watched(), ping=15)

    async def result(self, what: Awaitable[str], *, status: int = 200) -> Response:
        """Return an action's result as HTML, or the sentence of its error."""
        try:
            return HTMLResponse(await what, status)
        except EXPECTED as error:
            return HTMLResponse(
                self.render("error.html", message=str(error)), HTTPStatus.UNPROCESSABLE_ENTITY
            )

    async def command(self, words: str) -> str:
        """Return the command that does the same in a terminal."""
        return command(await self.stack(), words)


async def form(request: Request) -> Mapping[str, str]:
    """Return a form's fields; of several values with one name, the last."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}


def revision(text: str) -> int:
    """Return the revision in an address or a header; 0 if the text is none."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if is_number else 0


def _named(pattern: str) -> list[str]:
    """Return the names of static files: a view has files of its own, beside the board's."""
    return sorted(each.name for each in _STATIC.glob(pattern))


def _quoted(text: str) -> str:
    return quote(text, errors="replace")


def _revision(request: Request) -> int:
    return revision(request.headers.get("last-event-id") or request.query_params.get("after", "0"))
