"""Compose the board from its source, its feed and its views."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from workshop import event_patterns
from workshop.board.access import Access
from workshop.board.feed import Feed
from workshop.board.page import Board
from workshop.board.source import Source
from workshop.board.views import ALL

_STATIC = Path(__file__).with_name("static")
_TOO_DEEP = "The board does not show JSON that is so deep."


def build(source: Source, *, token: str, port: int) -> ASGIApp:
    """Return the board's application.

    Args:
        source: Where the stack is read.
        token: The token of the board's address.
        port: The port that it is served on.
    """
    board = Board(source, Feed(source), token)

    @asynccontextmanager
    async def reading(_: Starlette) -> AsyncIterator[None]:
        runs = (
            board.feed.run(),
            board.faults.run(),
            board.queues.run(lambda: board.faults.watchers > 0),
        )
        tasks = [asyncio.create_task(each) for each in runs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await asyncio.to_thread(event_patterns.close)

    async def too_deep(request: Request, _: Exception) -> Response:
        page = await board.page(request, "error.html", message=_TOO_DEEP)
        page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return page

    async def nobody(_: Request, __: Exception) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody reads it

    routes = [route for view in ALL for route in view.routes(board)]
    static = Mount("/static", StaticFiles(directory=_STATIC))
    application = Starlette(
        routes=[*routes, static],
        lifespan=reading,
        exception_handlers={RecursionError: too_deep, ClientDisconnect: nobody},
    )
    return Access(application, token=token, port=port)
