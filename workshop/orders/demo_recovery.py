"""The demo's second part: two orders that fail, their dead letters, and the redrive."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console

from workshop.console import say
from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import following, logs, order_rows
from workshop.journeys.hops import Hop, HopStream
from workshop.orders import api_client
from workshop.orders.demo import FOLLOW_SECONDS, Ending, Scenario
from workshop.orders.journey_view import print_hops
from workshop.recovery import dead_letter_view, dead_letters
from workshop.recovery.dead_letters import FAILED, DeadLetter, DeadLetters, Filter, Result

SKU = "HEADSET"
"""No other order of the demo reserves this SKU."""


@dataclass(frozen=True, slots=True)
class Failing:
    """An order that fails: the consumer that fails, and its error."""

    scenario: Scenario
    consumer: str
    error: str


UNKNOWN = Failing(
    Scenario(
        f"The inventory has no stock item for the {SKU}: no retry helps",
        {SKU: 1},
        "tok_approved",
        "SHIPMENT_PREPARED",
    ),
    "inventory",
    "UnknownSkuError",
)
OUTAGE = Failing(
    Scenario(
        "The payment gateway is down for longer than Lambda retries",
        {"KEYBOARD": 1},
        "tok_approved",
        "SHIPMENT_PREPARED",
    ),
    "payment",
    "GatewayUnavailableError",
)


@dataclass(frozen=True)
class _Orders(Filter):
    """The dead letters of some orders; the queues may hold others."""

    order_ids: tuple[str, ...] = ()

    def matches(self, dead_letter: DeadLetter) -> bool:
        """Return whether a dead letter is about one of the orders."""
        return dead_letter.order_id in self.order_ids


def run(stack: Stack, console: Console, first: int) -> list[Ending]:
    """Let two orders fail, show their dead letters, remove the causes, and redrive.

    Args:
        stack: Where the orders are placed.
        console: Where the output goes.
        first: The number of the first order.

    Raises:
        WorkshopError: A step had another result than expected.
    """
    dlqs = dead_letters.of(stack)
    with _causes_removed(stack):
        orders = _fail(stack, dlqs, console, first)
        wanted = _Orders(order_ids=tuple(orders))
        _title(console, "The dead-letter queues (make dlq)")
        found = dead_letters.look(dlqs.queues, wanted)
        for line in dead_letter_view.listed(found, now=datetime.now(UTC), width=console.width):
            console.print(line)
        _assert_equal(
            {
                dead_letter.order_id: (dead_letter.consumer, dead_letter.error)
                for dead_letter in found
            },
            {order_id: (each.consumer, each.error) for order_id, each in orders.items()},
            "The dead-letter queues hold",
        )
    _title(console, "The causes are removed (make stock, make gateway)")
    console.print(f"  {SKU} has its stock item again, and the payment gateway is up again.")
    before = {order_id: logs.hops(stack, order_id) for order_id in orders}
    _title(console, "The redrive invokes only the function that failed (make redrive)")
    results = {}
    with dlqs.redriven(wanted) as attempts:
        for attempt in attempts:
            results[attempt.dead_letter.order_id] = attempt.result
            for line in dead_letter_view.attempted(attempt, width=console.width):
                console.print(line)
    _assert_equal(results, dict.fromkeys(orders, Result.REDRIVEN), "The redrive's results are")
    for number, order_id in enumerate(orders, first):
        console.print(f"\n[bold]{number}. continues[/bold]")
        console.print(f"   {order_id}", style="dim", highlight=False)
        followed = following.follow(stack, order_id, seconds=FOLLOW_SECONDS)
        print_hops(console, (hop for hop in followed if hop not in before[order_id]))
    if dead_letters.look(dlqs.queues, wanted):
        raise WorkshopError("A dead letter is still in its queue. To see it: make dlq")
    return [
        Ending(failing.scenario, order_id, order_rows.rows(stack, order_id))
        for order_id, failing in orders.items()
    ]


def _fail(stack: Stack, dlqs: DeadLetters, console: Console, first: int) -> dict[str, Failing]:
    """Place both orders, and show both until Lambda stops retrying."""
    before = _counts(dlqs)

    def dead_lettered(failing: Failing) -> bool:
        return _counts(dlqs)[failing.consumer] > before[failing.consumer]

    api_client.delete_stock_item(stack, SKU)
    unknown = _place(stack, UNKNOWN)
    _wait_until_paid(stack, unknown)
    gateway_switch.switch(stack, up=False)
    outage = _place(stack, OUTAGE)
    orders = {unknown: UNKNOWN, outage: OUTAGE}
    for number, (order_id, failing) in enumerate(orders.items(), first):
        _title(console, f"{number}. {failing.scenario.title}")
        console.print(f"   {order_id}", style="dim", highlight=False)
        print_hops(console, _hops_until(stack, order_id, partial(dead_lettered, failing)))
    return orders


def _counts(dlqs: DeadLetters) -> dict[str, int]:
    """Return the number of messages in the queues of the two failing consumers."""
    waiting = dlqs.queues.waiting()
    return {each.consumer: waiting[each.consumer, FAILED].total for each in (UNKNOWN, OUTAGE)}


def _place(stack: Stack, failing: Failing) -> str:
    scenario = failing.scenario
    request = api_client.order_request(scenario.lines, token=scenario.token)
    return str(api_client.place_order(stack, request)["order_id"])


def _wait_until_paid(stack: Stack, order_id: str) -> None:
    """Wait until the order does not need the gateway any more."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    while order_rows.status(stack, order_id) != "PAID":
        if time.monotonic() > deadline:
            raise WorkshopError(
                f"Order {order_id} is not paid after {FOLLOW_SECONDS:.0f} s. "
                f"To see why: make follow ORDER={order_id}"
            )
        time.sleep(0.05)


def _hops_until(stack: Stack, order_id: str, over: Callable[[], bool]) -> Iterator[Hop | None]:
    """Yield an order's hops as they happen, and None while there is none, until `over` is true.

    Raises:
        WorkshopError: `over` is still false after `FOLLOW_SECONDS`.
    """
    deadline = time.monotonic() + FOLLOW_SECONDS
    seen = HopStream()
    while True:
        last = over()  # first: what is read after True is final
        yield from seen.add(logs.hops(stack, order_id))
        if last:
            yield from seen.flush()
            return
        if time.monotonic() > deadline:
            raise WorkshopError(
                f"Order {order_id} is in no dead-letter queue after {FOLLOW_SECONDS:.0f} s. "
                f"To see why: make follow ORDER={order_id}"
            )
        yield None
        time.sleep(following.POLL_SECONDS)


@contextlib.contextmanager
def _causes_removed(stack: Stack) -> Iterator[None]:
    """Remove the causes of the failures when the block ends, also after an error."""
    try:
        yield
    except BaseException:
        _remove_causes(stack)
        say(
            "The gateway is up again, and the stock is restored. "
            "Orders that failed are in the dead-letter queues: make dlq, make redrive"
        )
        raise
    _remove_causes(stack)


def _remove_causes(stack: Stack) -> None:
    try:
        api_client.set_stock(stack, {SKU: api_client.DEMO_STOCK[SKU]})
    finally:
        gateway_switch.switch(stack, up=True)


def _assert_equal(found: Mapping[Any, object], expected: Mapping[Any, object], what: str) -> None:
    """Check a result.

    Raises:
        WorkshopError: It is not the expected one.
    """
    if found != expected:
        raise WorkshopError(
            f"{what} {_words(found)}, not {_words(expected)}. To see why: make dlq, make status"
        )


def _words(found: Mapping[Any, object]) -> str:
    values = (value if isinstance(value, tuple) else (value,) for value in found.values())
    each = (f"{key}: {' '.join(map(str, one))}" for key, one in zip(found, values, strict=True))
    return "; ".join(each) or "nothing"


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")
