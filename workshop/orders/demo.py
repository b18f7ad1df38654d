"""Four orders, four endings: what the finished system does, shown live.

Two more orders, which fail for good and are brought back: `workshop.orders.demo_recovery`.
"""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.orders import api_client, journey
from workshop.orders.journey_view import money, print_hops

FOLLOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One order of the demo and how it must end."""

    title: str
    lines: dict[str, int]
    token: str
    ends: str


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
        "Five monitors, of which there are three: paid, not to be had, refunded",
        {"MONITOR": 5},
        "tok_approved",
        "REFUNDED",
    ),
    Scenario(
        "A payment gateway that fails twice: Lambda tries again until it answers",
        {"WEBCAM": 1},
        "tok_unavailable_twice",
        "SHIPMENT_PREPARED",
    ),
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order ended, read back from the tables."""

    scenario: Scenario
    order_id: str
    rows: dict[str, journey.Row]

    @property
    def status(self) -> str:
        """The order's final status."""
        return str(self.rows["orders"]["status"])


def run(stack: Stack, console: Console) -> list[Ending]:
    """Place the orders one after the other and show each one moving through the services.

    Raises:
        WorkshopError: An order was refused, or stood still too long.
    """
    api_client.set_stock(stack, api_client.SHELVES)
    endings = []
    for number, scenario in enumerate(SCENARIOS, 1):
        console.print(f"\n[bold]{number}. {scenario.title}[/bold]")
        request = api_client.order_request(scenario.lines, token=scenario.token)
        order_id = api_client.place_order(stack, request)["order_id"]
        console.print(f"   {order_id}", style="dim", highlight=False)
        print_hops(console, journey.follow(stack, order_id, seconds=FOLLOW_SECONDS))
        endings.append(Ending(scenario, order_id, journey.rows(stack, order_id)))
    return endings


def check(endings: list[Ending]) -> None:
    """Hold every ending against what it should have been.

    Raises:
        WorkshopError: An order ended otherwise.
    """
    for ending in endings:
        if ending.status != ending.scenario.ends:
            raise WorkshopError(
                f"Order {ending.order_id} ended as {ending.status}, not {ending.scenario.ends}: "
                f"see `make follow ORDER={ending.order_id}`."
            )


def summary(endings: list[Ending]) -> Table:
    """Return what the four tables say of each order, in less than 80 columns."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("", "order", "orders", "payments", "inventory", "shipments"):
        table.add_column(column, no_wrap=True)
    for number, ending in enumerate(endings, 1):
        table.add_row(
            str(number),
            _beginning(ending.order_id),
            ending.status,
            _payment(ending.rows.get("payments")),
            str(ending.rows.get("inventory", {}).get("status", "–")),
            _beginning(str(ending.rows.get("shipments", {}).get("shipment_id", "–"))),
        )
    return table


def _payment(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    tries = int(row.get("attempts", 1))
    paid = money(row["amount"], row["currency"])
    return f"{row['status']} {paid}" + (f"\n{tries} tries" if tries > 1 else "")


def _beginning(identifier: str) -> str:
    return identifier if len(identifier) < 10 else f"{identifier[:8]}…"
