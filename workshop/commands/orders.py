"""Verbs that send orders through the system and show where they are."""

from typing import Annotated

import typer

from workshop.console import out, say
from workshop.deployment.stack import Stack, current
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.orders import api_client, journey
from workshop.orders.demo import FOLLOW_SECONDS
from workshop.orders.journey_view import print_hops, rows_table

app = typer.Typer()

Lines = Annotated[
    list[str] | None,
    typer.Argument(metavar="SKU=QUANTITY …", help="What is ordered; default: MOUSE=1."),
]


@app.command()
def order(
    lines: Lines = None,
    *,
    token: Annotated[
        str, typer.Option(help=f"How the payment ends: {', '.join(api_client.TOKENS)}.")
    ] = api_client.TOKENS[0],
    customer: Annotated[str, typer.Option(help="Who orders.")] = "customer-7",
    currency: Annotated[str, typer.Option(help="EUR or USD.")] = "EUR",
    key: Annotated[str | None, typer.Option(help="Idempotency-Key: same key, same order.")] = None,
) -> None:
    """Place an order through the API and follow it."""
    wanted = quantities(lines or ["MOUSE=1"])
    stack = current()
    request = api_client.order_request(wanted, customer_id=customer, token=token, currency=currency)
    try:
        placed = api_client.place_order(stack, request, key=key)
    except EXPECTED as error:
        if _not_in_catalogue(wanted):
            raise WorkshopError(f"{error} {_in_catalogue()}") from error
        raise
    _show(stack, placed["order_id"])


@app.command()
def follow(
    order_id: Annotated[
        str | None, typer.Argument(metavar="ORDER", help="Its id; default: the newest order.")
    ] = None,
) -> None:
    """Show an order's whole journey: every hop with its time, and its row in every table."""
    stack = current()
    _show(stack, order_id or journey.newest(stack))


@app.command()
def stock(
    lines: Annotated[
        list[str] | None,
        typer.Argument(metavar="SKU=PIECES …", help="What is put there; default: only look."),
    ] = None,
) -> None:
    """Show what is on the shelf, or set how many pieces of a SKU are there."""
    wanted = quantities(lines or [], "PIECES")
    stack = current()
    if wanted:
        api_client.set_stock(stack, wanted)
        shelf = api_client.read_stock(stack, list(wanted))
    else:
        there = api_client.read_shelf(stack)
        shelf = {
            sku: there[sku] for sku in [*api_client.catalogue(), *sorted(there)] if sku in there
        }
        missing = [sku for sku in api_client.catalogue() if sku not in there]
        if missing:
            say(f"No stock item yet: {', '.join(missing)}.")
    for sku, on_hand in shelf.items():
        out.print(f"{sku:<12} {on_hand:>6} on hand", markup=False)
    if strangers := _not_in_catalogue(wanted):
        say(f"Nobody can order {', '.join(strangers)}. {_in_catalogue()}")


def quantities(lines: list[str], number: str = "QUANTITY") -> dict[str, int]:
    """Return SKU → number for arguments such as KEYBOARD=2.

    Args:
        lines: The arguments.
        number: What the number is called.

    Raises:
        UsageError: An argument has another form.
    """
    parsed = {}
    for line in lines:
        sku, equals, value = line.partition("=")
        if not (sku and equals and value):
            raise UsageError(f"The form is SKU={number}, such as KEYBOARD=2: {line!r} is not.")
        if not (value.isascii() and value.isdigit()):
            raise UsageError(f"{number} is a whole number from 0: {value!r} is not.")
        parsed[sku] = int(value)
    return parsed


def _not_in_catalogue(wanted: dict[str, int]) -> list[str]:
    known = api_client.catalogue()
    return [sku for sku in wanted if sku not in known]


def _in_catalogue() -> str:
    return f"In the catalogue are {', '.join(api_client.catalogue())}."


def _show(stack: Stack, order_id: str) -> None:
    out.print(order_id, style="bold")
    try:
        print_hops(out, journey.follow(stack, order_id, seconds=FOLLOW_SECONDS))
    except journey.DeadEndError:
        _show_rows(stack, order_id)  # they tell how far it came
        raise
    _show_rows(stack, order_id)
    say(f"The order is {journey.status(stack, order_id)}.")


def _show_rows(stack: Stack, order_id: str) -> None:
    out.print()
    out.print(rows_table(journey.rows(stack, order_id)))
