"""The demo: four orders with four different endings, shown live.

Two more orders that fail and are redriven: `workshop.orders.demo_recovery`.
"""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import following, order_rows
from workshop.orders import api_client
from workshop.orders.journey_view import money, print_hops
from workshop.stages import flow

FOLLOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One order of the demo, and its expected final status."""

    title: str
    lines: dict[str, int]
    token: str
    final_status: str


SCENARIOS = (
    Scenario(
        "An order that is paid, reserved and shipped",
        {"KEYBOARD": 1, "MOUSE": 2},
        "tok_approved",
        "SHIPMENT_PREPARED",
    ),
    Scenario(
        "A payment that is declined",
        {"HEADSET": 1},
        "tok_insufficient_funds",
        "PAYMENT_DECLINED",
    ),
    Scenario(
        "Five monitors when three are in stock: paid, out of stock, refunded",
        {"MONITOR": 5},
        "tok_approved",
        "REFUNDED",
    ),
    Scenario(
        "A payment gateway that fails twice: Lambda retries until it responds",
        {"WEBCAM": 1},
        "tok_unavailable_twice",
        "SHIPMENT_PREPARED",
    ),
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order ended, read from the tables."""

    scenario: Scenario
    order_id: str
    rows: dict[str, order_rows.Row]

    @property
    def status(self) -> str:
        """The order's final status."""
        return str(self.rows["orders"]["status"])


def run(stack: Stack, console: Console) -> list[Ending]:
    """Place the orders one after the other, and show each one moving through the services.

    Raises:
        WorkshopError: An order was refused or is stalled.
    """
    api_client.set_stock(stack, api_client.DEMO_STOCK)
    endings = []
    for number, scenario in enumerate(SCENARIOS, 1):
        console.print(f"\n[bold]{number}. {scenario.title}[/bold]")
        request = api_client.order_request(scenario.lines, token=scenario.token)
        order_id = api_client.place_order(stack, request)["order_id"]
        console.print(f"   {order_id}", style="dim", highlight=False)
        print_hops(console, following.follow(stack, order_id, seconds=FOLLOW_SECONDS))
        endings.append(Ending(scenario, order_id, order_rows.rows(stack, order_id)))
    return endings


def check(endings: list[Ending]) -> None:
    """Check every order's final status.

    Raises:
        WorkshopError: An order has another status than expected.
    """
    for ending in endings:
        expected = ending.scenario.final_status
        if ending.status != expected:
            raise WorkshopError(
                f"Order {ending.order_id} is {ending.status}, not {expected}. "
                f"To see why: make follow ORDER={ending.order_id}"
            )


def summary(endings: list[Ending]) -> Table:
    """Return a table with each order's rows in the services' tables, below 80 columns."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    tables = flow().tables.values()
    for column in ("", "order", *flow().tables):
        table.add_column(column, no_wrap=True)
    for number, ending in enumerate(endings, 1):
        table.add_row(
            str(number),
            _shortened(ending.order_id),
            *(_summary(ending.rows.get(each.name, {}), each.summary) for each in tables),
        )
    return table


def _summary(row: dict[str, Any], attribute: str) -> str:
    """Return an attribute of a row; for a payment, also the amount and the number of tries."""
    value = str(row.get(attribute, "–"))
    shown = value if attribute == "status" else _shortened(value)
    paid = f" {money(row['amount'], row['currency'])}" if "amount" in row else ""
    tries = int(row.get("attempts", 1))
    return f"{shown}{paid}" + (f"\n{tries} tries" if tries > 1 else "")


def _shortened(identifier: str) -> str:
    return identifier if len(identifier) < 10 else f"{identifier[:8]}…"
