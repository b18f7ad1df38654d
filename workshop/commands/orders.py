"""Verbs that send orders through the system and show where they are."""

from typing import Annotated

import typer

from workshop import demo as demonstration
from workshop import journey, ordering
from workshop.console import heading, out, say
from workshop.errors import UsageError
from workshop.journey_view import print_hops, rows_table
from workshop.stack import Stack, cloud_name, current
from workshop.up import up as bring_up

app = typer.Typer()

Lines = Annotated[
    list[str] | None,
    typer.Argument(metavar="SKU=QUANTITY …", help="What is ordered; default: MOUSE=1."),
]


@app.command()
def order(
    lines: Lines = None,
    *,
    token: Annotated[str, typer.Option(help="How the payment ends.")] = "tok_approved",  # noqa: S107
    customer: Annotated[str, typer.Option(help="Who orders.")] = "customer-7",
    currency: Annotated[str, typer.Option(help="EUR or USD.")] = "EUR",
    key: Annotated[str | None, typer.Option(help="Idempotency-Key: same key, same order.")] = None,
) -> None:
    """Place an order through the API and follow it."""
    stack = current()
    request = ordering.order_request(
        quantities(lines or ["MOUSE=1"]), customer_id=customer, token=token, currency=currency
    )
    placed = ordering.place_order(stack, request, key=key)
    _show(stack, placed["order_id"])


@app.command()
def follow(order_id: Annotated[str, typer.Argument(metavar="ORDER")]) -> None:
    """Show an order's whole journey: every hop with its time, and its row in every table."""
    _show(current(), order_id)


@app.command()
def stock(lines: Annotated[list[str], typer.Argument(metavar="SKU=PIECES …")]) -> None:
    """Set how many pieces of each SKU are on the shelf."""
    stack = current()
    wanted = quantities(lines)
    ordering.set_stock(stack, wanted)
    for sku, on_hand in ordering.read_stock(stack, list(wanted)).items():
        out.print(f"{sku:<12} {on_hand:>6} on hand")


@app.command()
def demo() -> None:
    """Bring everything up and send four orders through it, one for each ending."""
    stack = bring_up(None, cloud_name())
    endings = demonstration.run(stack, out)
    out.print()
    heading("What the four tables say")
    out.print(demonstration.summary(endings))
    demonstration.check(endings)
    out.print("\nNext:")
    for command, what in (
        ("make order ARGS='KEYBOARD=2 --token tok_declined'", "an order of your own"),
        (f"make follow ORDER={endings[0].order_id}", "the first order's whole journey"),
        ("make check STAGE=4", "what the system promises, proved"),
        ('eval "$(make -s env)"', "point any AWS tool at the stack"),
        ("make down", "stop everything"),
    ):
        out.print(f"  {command:<56} {what}", markup=False)


def quantities(lines: list[str]) -> dict[str, int]:
    """Return SKU → quantity for arguments such as KEYBOARD=2.

    Raises:
        UsageError: An argument has another form.
    """
    parsed = {}
    for line in lines:
        sku, equals, number = line.partition("=")
        if not (sku and equals and number.isascii() and number.isdigit()):
            raise UsageError(f"{line!r} is not of the form SKU=QUANTITY, such as KEYBOARD=2.")
        parsed[sku] = int(number)
    return parsed


def _show(stack: Stack, order_id: str) -> None:
    out.print(order_id, style="bold")
    print_hops(out, journey.follow(stack, order_id, seconds=demonstration.FOLLOW_SECONDS))
    out.print()
    out.print(rows_table(journey.rows(stack, order_id)))
    say(f"The order is {journey.status(stack, order_id)}.")
