"""The demo's second part: two orders that fail for good, their dead letters, and the way back."""

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
from workshop.orders import api_client, journey
from workshop.orders.demo import FOLLOW_SECONDS, Ending, Scenario
from workshop.orders.journey_view import print_hops
from workshop.recovery import dead_letter_view, dead_letters
from workshop.recovery.dead_letters import FAILED, DeadLetter, DeadLetters, Result, Wanted

SKU = "HEADSET"
"""Ordered by no other order of the demo that gets as far as the inventory."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An order that fails for good, in whose queue it ends, and why."""

    scenario: Scenario
    consumer: str
    error: str


UNKNOWN = Trouble(
    Scenario(
        f"The inventory has no stock item for the {SKU}: no retry helps",
        {SKU: 1},
        "tok_approved",
        "SHIPMENT_PREPARED",
    ),
    "inventory",
    "UnknownSkuError",
)
OUTAGE = Trouble(
    Scenario(
        "The payment gateway is down for longer than Lambda tries",
        {"KEYBOARD": 1},
        "tok_approved",
        "SHIPMENT_PREPARED",
    ),
    "payment",
    "GatewayUnavailableError",
)


@dataclass(frozen=True)
class _Orders(Wanted):
    """The dead letters of some orders: whatever else lies in the queues is none of the demo's."""

    order_ids: tuple[str, ...] = ()

    def matches(self, letter: DeadLetter) -> bool:
        """Whether a letter is one of theirs."""
        return letter.order_id in self.order_ids


def run(stack: Stack, console: Console, first: int) -> list[Ending]:
    """Let two orders fail, show their dead letters, remove the causes, and redrive.

    Args:
        stack: Where.
        console: What is shown goes here.
        first: The number of the first order.

    Raises:
        WorkshopError: Anything went otherwise than it should.
    """
    letters = dead_letters.of(stack)
    with _mended_in_the_end(stack):
        orders = _fail(stack, letters, console, first)
        wanted = _Orders(order_ids=tuple(orders))
        _title(console, "What waits in the dead-letter queues (make dlq)")
        found = dead_letters.look(letters.queues, wanted)
        for line in dead_letter_view.listed(found, now=datetime.now(UTC), width=console.width):
            console.print(line)
        _hold_against(
            {letter.order_id: (letter.consumer, letter.error) for letter in found},
            {order_id: (each.consumer, each.error) for order_id, each in orders.items()},
            "The dead-letter queues hold",
        )
    _title(console, "The causes are removed (make stock, make gateway)")
    console.print(f"  {SKU} has its stock item back, and the payment gateway answers again.")
    before = {order_id: journey.hops(stack, order_id) for order_id in orders}
    _title(console, "Only the function that failed gets its event again (make redrive)")
    results = {}
    with letters.redriven(wanted) as attempts:
        for attempt in attempts:
            results[attempt.letter.order_id] = attempt.result
            for line in dead_letter_view.attempted(attempt, width=console.width):
                console.print(line)
    _hold_against(results, dict.fromkeys(orders, Result.REDRIVEN), "The redrive said")
    for number, order_id in enumerate(orders, first):
        console.print(f"\n[bold]{number}. goes on[/bold]")
        console.print(f"   {order_id}", style="dim", highlight=False)
        onwards = journey.follow(stack, order_id, seconds=FOLLOW_SECONDS)
        print_hops(console, (hop for hop in onwards if hop not in before[order_id]))
    if dead_letters.look(letters.queues, wanted):
        raise WorkshopError("A dead letter is still there: see `make dlq`.")
    return [
        Ending(trouble.scenario, order_id, journey.rows(stack, order_id))
        for order_id, trouble in orders.items()
    ]


def _fail(stack: Stack, letters: DeadLetters, console: Console, first: int) -> dict[str, Trouble]:
    """Place both orders, and show both failing until nothing is tried any more."""
    before = _fill(letters)

    def parked(trouble: Trouble) -> bool:
        return _fill(letters)[trouble.consumer] > before[trouble.consumer]

    api_client.take_off_the_shelf(stack, SKU)
    unknown = _place(stack, UNKNOWN)
    _wait_until_paid(stack, unknown)
    gateway_switch.switch(stack, up=False)
    outage = _place(stack, OUTAGE)
    orders = {unknown: UNKNOWN, outage: OUTAGE}
    for number, (order_id, trouble) in enumerate(orders.items(), first):
        _title(console, f"{number}. {trouble.scenario.title}")
        console.print(f"   {order_id}", style="dim", highlight=False)
        print_hops(console, _hops_until(stack, order_id, partial(parked, trouble)))
    return orders


def _fill(letters: DeadLetters) -> dict[str, int]:
    """How many messages the queues have in which the demo's orders end, by consumer."""
    waiting = letters.queues.waiting()
    return {each.consumer: waiting[each.consumer, FAILED].total for each in (UNKNOWN, OUTAGE)}


def _place(stack: Stack, trouble: Trouble) -> str:
    scenario = trouble.scenario
    request = api_client.order_request(scenario.lines, token=scenario.token)
    return str(api_client.place_order(stack, request)["order_id"])


def _wait_until_paid(stack: Stack, order_id: str) -> None:
    """Wait until the gateway is not needed any more."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    while journey.status(stack, order_id) != "PAID":
        if time.monotonic() > deadline:
            raise WorkshopError(
                f"Order {order_id} is not paid after {FOLLOW_SECONDS:.0f} s: "
                f"see `make follow ORDER={order_id}`."
            )
        time.sleep(0.05)


def _hops_until(
    stack: Stack, order_id: str, over: Callable[[], bool]
) -> Iterator[journey.Hop | None]:
    """Yield an order's hops as they happen, until something is so; None while there is none.

    Raises:
        WorkshopError: It is not so in time.
    """
    deadline = time.monotonic() + FOLLOW_SECONDS
    seen = journey.Looks()
    while True:
        last = over()  # asked first: what is seen after a yes is all there will be
        yield from seen.look(journey.hops(stack, order_id))
        if last:
            yield from seen.rest()
            return
        if time.monotonic() > deadline:
            raise WorkshopError(
                f"Order {order_id} is in no dead-letter queue after {FOLLOW_SECONDS:.0f} s: "
                f"see `make follow ORDER={order_id}`."
            )
        yield None
        time.sleep(journey.POLL_SECONDS)


@contextlib.contextmanager
def _mended_in_the_end(stack: Stack) -> Iterator[None]:
    """Put the gateway and the shelf right again, however it ends."""
    try:
        yield
    except BaseException:
        _mend(stack)
        say(
            "The gateway answers again, and the shelf is full. "
            "What failed meanwhile waits in the dead-letter queues: make dlq, make redrive"
        )
        raise
    _mend(stack)


def _mend(stack: Stack) -> None:
    try:
        api_client.set_stock(stack, {SKU: api_client.SHELVES[SKU]})
    finally:
        gateway_switch.switch(stack, up=True)


def _hold_against(found: Mapping[Any, object], expected: Mapping[Any, object], what: str) -> None:
    """Check that things went as they should.

    Raises:
        WorkshopError: They did not.
    """
    if found != expected:
        raise WorkshopError(
            f"{what} {_words(found)}, and not {_words(expected)}: see `make dlq`, `make status`."
        )


def _words(found: Mapping[Any, object]) -> str:
    said = (value if isinstance(value, tuple) else (value,) for value in found.values())
    each = (f"{key}: {' '.join(map(str, words))}" for key, words in zip(found, said, strict=True))
    return "; ".join(each) or "nothing"


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")
