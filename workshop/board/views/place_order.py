"""Place an order, or fifty at the same time."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from workshop.board.page import Board, form
from workshop.deployment.stack import Stack
from workshop.errors import EXPECTED
from workshop.orders import api_client
from workshop.orders.api_client import OrderFailedError, OrderRefusedError, Placed
from workshop.orders.journey_view import money

RACE = 50
"""The number of orders of a race."""

_STOCK_SECONDS = 1.0
"""Seconds between two reads of the stock: each is one request per SKU."""


def routes(board: Board) -> list[BaseRoute]:
    """Return the view's routes."""
    view = _PlaceOrder(board)
    return [
        Route("/place-order", view.page, methods=["GET"]),
        Route("/place-order", view.place, methods=["POST"]),
        Route("/place-order/live", view.live),
        Route("/place-order/race", view.progress, methods=["GET"]),
        Route("/place-order/race", view.race, methods=["POST"]),
    ]


@dataclass
class Race:
    """Orders that are placed at the same time.

    Attributes:
        total: The number of requests.
        orders: The ids of the orders; one Idempotency-Key for all makes one order only.
        placed: The number of requests that the API accepted.
        refused: The number of those that it did not accept.
        reason: The first reason of those.
        over: Whether all responses have arrived.
    """

    total: int = RACE
    orders: set[str] = field(default_factory=set)
    placed: int = 0
    refused: int = 0
    reason: str = ""
    over: bool = False

    def add(self, response: Placed) -> None:
        """Count a response."""
        if response.order_id:
            self.placed += 1
            self.orders.add(response.order_id)
        else:
            self.refused += 1
            self.reason = self.reason or response.error


class _PlaceOrder:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._race: Race | None = None
        self._task: asyncio.Task[None] | None = None

    async def page(self, request: Request) -> Response:
        """Show the form."""
        catalogue = api_client.catalogue()
        currencies = sorted({name for prices in catalogue.values() for name in prices})
        stock = await self._stock()
        return await self._board.page(
            request,
            "place_order.html",
            products={
                sku: {name: money(price, name).split()[0] for name, price in prices.items()}
                for sku, prices in catalogue.items()
            },
            currencies=currencies,
            tokens=api_client.TOKEN_EFFECTS,
            stock=stock,
            usual=next((sku for sku in catalogue if stock.get(sku)), next(iter(catalogue))),
            count=RACE,
            race=self._race if self._race and not self._race.over else None,
            generation=self._board.feed.generation,
            after=self._board.feed.events.revision,
        )

    async def place(self, request: Request) -> Response:
        """Place one order, and go to its page."""
        if refusal := self._board.refusal():
            return refusal
        given = await form(request)
        key = given.get("key", "").strip() or uuid.uuid4().hex

        def place(stack: Stack) -> str:
            placed = api_client.place_order(stack, _request(given), key=key)
            return str(placed["order_id"])

        try:
            order_id = await self._board.do(place)
        except OrderRefusedError as error:
            return self._refused("The API refused the order:", error.faults)
        except OrderFailedError as error:
            return self._refused(
                f"The order service failed ({error.status}), perhaps after it stored the order. "
                "Place it again with the same Idempotency-Key, so that there is one order only:",
                [error.key],
            )
        except EXPECTED as error:
            return self._refused(str(error), [])
        link = f"/orders/{quote(order_id, safe='')}"
        html = self._board.render("place_order_placed.html", order_id=order_id, link=link)
        return HTMLResponse(html, headers={"HX-Redirect": link})

    async def race(self, request: Request) -> Response:
        """Begin to place many orders at the same time, and show how far it is."""
        if refusal := self._board.refusal():
            return refusal
        given = await form(request)  # first: two requests may wait here at the same time
        if self._race is None or self._race.over:
            self._race = Race()
            self._task = asyncio.create_task(self._run(self._race, given))
        return await self.progress(request)

    async def progress(self, _: Request) -> Response:
        """Show how far the newest race is."""
        return HTMLResponse(self._board.render("place_order_race.html", race=self._race))

    async def live(self, request: Request) -> Response:
        """Stream the stock when it changes."""
        shown: dict[str, int] | None = None
        read = 0.0

        async def render(_: int) -> str:
            nonlocal shown, read
            if shown is not None and monotonic() - read < _STOCK_SECONDS:
                return ""  # the next call shows it
            stock, read = await self._stock(), monotonic()
            before, shown = shown, stock
            changed = [
                sku
                for sku in api_client.catalogue()
                if before is None or stock.get(sku) != before.get(sku)
            ]
            return "".join(
                self._board.render("place_order_stock.html", sku=sku, units=stock.get(sku))
                for sku in changed
            )

        return self._board.live(request, render, every=_STOCK_SECONDS)

    async def _run(self, race: Race, given: Mapping[str, str]) -> None:
        def place(stack: Stack) -> None:
            key = given.get("key", "").strip() or None
            for response in api_client.place_orders(stack, _request(given), race.total, key=key):
                race.add(response)

        try:
            await self._board.do(place)
        except EXPECTED as error:
            race.reason = race.reason or str(error)
        finally:
            race.over = True

    async def _stock(self) -> dict[str, int]:
        """Return the stock by SKU; empty if there is no inventory or no stack."""

        def read(stack: Stack) -> dict[str, int]:
            if "inventory" not in stack.outputs.table_names:
                return {}
            return api_client.read_stock(stack, list(api_client.catalogue()))

        try:
            return await self._board.do(read)
        except EXPECTED:
            return {}

    def _refused(self, message: str, reasons: list[str]) -> Response:
        html = self._board.render("place_order_refused.html", message=message, reasons=reasons)
        return HTMLResponse(html, HTTPStatus.UNPROCESSABLE_ENTITY)


def _request(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the request that a form describes. The API validates it, nothing else does."""
    quantities = {sku: _number(given.get(f"quantity-{sku}", "")) for sku in api_client.catalogue()}
    return api_client.order_request(
        {sku: quantity for sku, quantity in quantities.items() if quantity},  # type: ignore[misc]
        customer_id=given.get("customer", ""),
        token=given.get("payment", ""),
        currency=given.get("currency", ""),
    )


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text.strip()
