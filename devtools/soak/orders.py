"""The orders of a soak: which are placed, how each of them must end, and the stock for them."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import api_client

SHIPPED, DECLINED, REFUNDED = "SHIPMENT_PREPARED", "PAYMENT_DECLINED", "REFUNDED"

PLENTY = ("KEYBOARD", "MOUSE", "HEADSET")
SCARCE = "MONITOR"
"""There are units for half of the orders that want one."""
UNKNOWN = "WEBCAM"
"""It has no stock item until the recovery, so its orders become dead letters."""

UNITS = 1_000_000

SHARES = {
    "approved": 0.76,
    "declined": 0.08,
    "retried": 0.04,
    "scarce": 0.08,
    "unknown": 0.04,
}
"""Kind of order → its share."""

PATIENCE_SECONDS = 300.0
"""How long an order is placed again with the same key while the API does not accept it."""
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Wanted:
    """An order to place.

    Attributes:
        lines: SKU → quantity.
        token: The payment token.
        endings: The statuses that are right at its end.
        key: Its Idempotency-Key.
    """

    lines: dict[str, int]
    token: str
    endings: frozenset[str]
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


def wanted(number: int, seed: int) -> Iterator[Wanted]:
    """Yield so many orders; the same seed yields the same ones."""
    chance = random.Random(seed)
    for kind in chance.choices(list(SHARES), list(SHARES.values()), k=number):
        skus = chance.sample(PLENTY, chance.randint(1, len(PLENTY)))
        lines = {sku: chance.randint(1, 3) for sku in skus}
        match kind:
            case "declined":
                yield Wanted(lines, "tok_declined", frozenset({DECLINED}))
            case "retried":
                yield Wanted(lines, "tok_unavailable_twice", frozenset({SHIPPED}))
            case "scarce":
                yield Wanted({SCARCE: 1}, "tok_approved", frozenset({SHIPPED, REFUNDED}))
            case "unknown":
                yield Wanted({UNKNOWN: 1}, "tok_approved", frozenset({SHIPPED}))
            case _:
                yield Wanted(lines, "tok_approved", frozenset({SHIPPED}))


def initial_stock(orders: list[Wanted]) -> dict[str, int]:
    """Return the stock at the start, without the SKU that has no stock item."""
    demand = sum((Counter(each.lines) for each in orders), Counter[str]())
    return {**dict.fromkeys(PLENTY, UNITS), SCARCE: demand[SCARCE] // 2}


def place(stack: Stack, order: Wanted) -> str:
    """Place an order, again with its key while the API fails; return its id.

    Raises:
        WorkshopError: The API did not accept it within the patience.
    """
    request = api_client.order_request(order.lines, customer_id="soak", token=order.token)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return str(api_client.place_order(stack, request, key=order.key)["order_id"])
        except api_client.OrderRefusedError:
            raise
        except WorkshopError:  # a killed function, or a busy machine
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
