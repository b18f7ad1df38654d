"""What an incident is: what customers say, and the settings of the stack that cause it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workshop.incidents.settings import Setting
from workshop.orders.api_client import order_request

ARTICLES = ("KEYBOARD", "MOUSE", "HEADSET", "WEBCAM")


@dataclass(frozen=True, slots=True)
class Change:
    """A setting of the stack that the incident breaks.

    Attributes:
        setting: Which one.
        broken: Returns the broken value for the value that was read.
        lasts: Whether it stays broken; False: it is restored when the orders are damaged.
        promise: What the stack does again when the setting is restored, as a sentence, if no order
            can show that.
    """

    setting: Setting
    broken: Callable[[Any], Any]
    lasts: bool = True
    promise: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident with its details.

    Attributes:
        name: The module in `cases/` that describes it.
        title: The symptom in a few words, the same for each seed.
        symptom: What people report, without the cause.
        hints: Three hints; the last one names the cause.
        debrief: What had happened, how to find it, and how to repair it.
        orders: The requests of the customers, as the order API takes them.
        changes: What it breaks.
        published: Details of `OrderCreated` events that are published in addition.
    """

    name: str
    title: str
    symptom: str
    hints: tuple[str, str, str]
    debrief: str
    orders: tuple[dict[str, Any], ...]
    changes: tuple[Change, ...]
    published: tuple[Mapping[str, Any], ...] = ()

    @property
    def articles(self) -> set[str]:
        """The SKUs that the customers order."""
        return {line["sku"] for order in self.orders for line in order["lines"]}


def orders(
    pick: random.Random,
    count: int,
    *,
    article: str | None = None,
    token: str = "tok_approved",  # noqa: S107  (a payment token of the simulated gateway)
    currency: str = "EUR",
) -> tuple[dict[str, Any], ...]:
    """Return the requests of some customers.

    Args:
        pick: The source of the details.
        count: How many.
        article: Their SKU; by default each order has another one.
        token: Their payment token.
        currency: The ISO 4217 code of their prices.
    """
    customers = pick.sample(range(1000, 10_000), count)
    articles = pick.sample(ARTICLES, count)
    return tuple(
        order_request(
            {article or each: pick.randint(1, 3)},
            customer_id=f"customer-{customer}",
            token=token,
            currency=currency,
        )
        for customer, each in zip(customers, articles, strict=True)
    )
