"""Commands that send orders through the system and show where they are."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import typer

from workshop.console import Spinner, out, print_table, say
from workshop.deployment.local.injected_faults import queued, report_backlog
from workshop.deployment.stack import Stack, command, current
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.files import write_atomically
from workshop.journeys import following, logs, order_rows
from workshop.journeys.hops import Hop
from workshop.journeys.svg import svg as svg_of
from workshop.journeys.text import COLUMNS, lines_of
from workshop.orders import api_client, arguments
from workshop.orders.demo import FOLLOW_SECONDS
from workshop.orders.journey_view import print_hops, rows_table
from workshop.paths import ROOT, STATE

app = typer.Typer()

AsWaterfall = Annotated[
    bool,
    typer.Option("--waterfall", help="Show its runs on a time axis, not each hop and the tables."),
]

Lines = Annotated[
    list[str] | None,
    typer.Argument(metavar="SKU=QUANTITY …", help="What is ordered; default: MOUSE=1."),
]


@app.command()
def order(  # noqa: PLR0913 - each is an option
    lines: Lines = None,
    *,
    token: Annotated[
        str, typer.Option(help=f"How the payment ends: {', '.join(api_client.TOKENS)}.")
    ] = api_client.TOKENS[0],
    customer: Annotated[str, typer.Option(help="Who orders.")] = api_client.CUSTOMER,
    currency: Annotated[str, typer.Option(help="EUR or USD.")] = "EUR",
    country: Annotated[str, typer.Option(help="The country of the address, such as US.")] = "DE",
    key: Annotated[
        str | None,
        typer.Option(
            parser=arguments.idempotency_key,
            metavar="TEXT",
            help="Idempotency-Key: same key, same order.",
        ),
    ] = None,
    waterfall: AsWaterfall = False,
) -> None:
    """Place an order through the API and follow it."""
    wanted = _added_up(quantities(lines or ["MOUSE=1"]))
    stack = current()
    request = api_client.order_request(
        wanted, customer_id=customer, token=token, currency=currency, country=country
    )
    try:
        placed = api_client.place_order(stack, request, key=key)
    except EXPECTED as error:
        if _not_in_catalogue(wanted):
            raise WorkshopError(f"{error} {_in_catalogue()}") from error
        raise
    _show(stack, placed["order_id"], waterfall=waterfall)


@app.command()
def follow(
    order_id: Annotated[
        str | None,
        typer.Argument(
            parser=arguments.order_id, metavar="ORDER", help="Its id; default: the newest order."
        ),
    ] = None,
    *,
    waterfall: AsWaterfall = False,
    svg: Annotated[
        bool,
        typer.Option("--svg", help="Write the waterfall as .workshop/waterfalls/ORDER.svg."),
    ] = False,
) -> None:
    """Show an order's whole journey: every hop with its time, and its row in every table."""
    stack = current()
    _show(stack, order_id or order_rows.newest(stack), waterfall=waterfall, svg=svg)


@app.command()
def stock(
    lines: Annotated[
        list[str] | None,
        typer.Argument(metavar="SKU=UNITS …", help="The new stock; default: only look."),
    ] = None,
) -> None:
    """Show the stock, or set how many units of a SKU there are."""
    wanted = _once_each(quantities(lines or [], "UNITS"))
    stack = current()
    if wanted:
        api_client.set_stock(stack, wanted)
        stock_levels = api_client.read_stock(stack, list(wanted))
    else:
        there = api_client.read_all_stock(stack)
        stock_levels = {
            sku: there[sku] for sku in [*api_client.catalogue(), *sorted(there)] if sku in there
        }
        missing = [sku for sku in api_client.catalogue() if sku not in there]
        if missing:
            say(f"No stock item yet: {', '.join(missing)}.")
    for sku, on_hand in stock_levels.items():
        out.print(f"{sku:<12} {on_hand:>6} on hand", markup=False)
    if strangers := _not_in_catalogue(wanted):
        say(f"Nobody can order {', '.join(strangers)}. {_in_catalogue()}")


def quantities(lines: list[str], number: str = "QUANTITY") -> list[tuple[str, int]]:
    """Return SKU and number for each argument such as KEYBOARD=2, in their order.

    Args:
        lines: The arguments.
        number: What the number is called.

    Raises:
        UsageError: An argument has another form.
    """
    parsed = []
    for line in lines:
        sku, equals, value = line.partition("=")
        if not (sku and equals and value):
            raise UsageError(
                f"The form is SKU={number}, such as KEYBOARD=2: {arguments.quoted(line)} is not."
            )
        parsed.append((arguments.sku(sku), arguments.whole_number(value, number)))
    return parsed


def _added_up(wanted: list[tuple[str, int]]) -> dict[str, int]:
    """Return SKU → quantity; the same SKU twice is ordered twice."""
    added: Counter[str] = Counter()
    for sku, quantity in wanted:
        added[sku] += quantity
    return dict(added)


def _once_each(wanted: list[tuple[str, int]]) -> dict[str, int]:
    """Return SKU → units.

    Raises:
        UsageError: A SKU is there twice: which number counts, nobody can know.
    """
    twice = sorted(sku for sku, count in Counter(sku for sku, _ in wanted).items() if count > 1)
    if twice:
        raise UsageError(f"Say each SKU once: {', '.join(twice)} is there more than once.")
    return dict(wanted)


def _not_in_catalogue(wanted: dict[str, int]) -> list[str]:
    known = api_client.catalogue()
    return [sku for sku in wanted if sku not in known]


def _in_catalogue() -> str:
    return f"In the catalogue are {', '.join(api_client.catalogue())}."


def _show(stack: Stack, order_id: str, *, waterfall: bool = False, svg: bool = False) -> None:
    out.print(order_id, style="bold")
    report_backlog(stack)
    hops = following.follow(stack, order_id, seconds=FOLLOW_SECONDS)
    try:
        if waterfall or svg:
            _wait(hops)
        else:
            print_hops(out, hops)
    except following.StalledError:
        _show_result(stack, order_id, waterfall=waterfall, svg=svg)  # how far it came
        raise
    _show_result(stack, order_id, waterfall=waterfall, svg=svg)
    out.print(f"The order is {order_rows.status(stack, order_id)}.")
    if waiting := queued(stack):
        say(f"Deliveries still queued: {waiting}. To see them later: {command(stack, 'follow')}")


def _wait(hops: Iterable[Hop | None]) -> None:
    with Spinner("Waiting until the order is settled …") as spinner:
        for _ in hops:
            spinner.waiting()


def _show_result(stack: Stack, order_id: str, *, waterfall: bool, svg: bool) -> None:
    """Show the order's rows, or its waterfall as text, as a picture, or both."""
    if not (waterfall or svg):
        _show_rows(stack, order_id)
        return
    found = logs.waterfall(stack, order_id)
    if waterfall:
        for line in lines_of(found, min(out.width, COLUMNS)):
            out.print(line, soft_wrap=True)
    if svg:
        path = STATE / "waterfalls" / f"{order_id}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, svg_of(found, heading=order_id, standalone=True))
        out.print(f"The picture: {path.relative_to(ROOT)}", markup=False, soft_wrap=True)


def _show_rows(stack: Stack, order_id: str) -> None:
    out.print()
    print_table(rows_table(order_rows.rows(stack, order_id)))
