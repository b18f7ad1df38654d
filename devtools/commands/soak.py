"""The command that runs the soak."""

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from workshop.console import heading, out, say
from workshop.deployment.local.up import remove, up
from workshop.paths import ROOT, STATE

if TYPE_CHECKING:
    from devtools.soak.sampling import Sample

app = typer.Typer()

CLOUD = "soak"
"""The soak has its own local cloud: it must be empty."""

SHOWN_EVERY_SECONDS = 10.0
SHOWN_BREACHES = 20
REPORT = STATE / "reports" / "soak.json"


@app.command()
def soak(
    orders: Annotated[
        int, typer.Option(min=100, max=1_000_000, envvar="SOAK_ORDERS", help="How many orders.")
    ] = 10_000,
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=2**31, envvar="SOAK_SEED", help="Decides the orders and the faults."
        ),
    ] = 1,
    minutes: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="Place no more orders after so many minutes."),
    ] = None,
    *,
    record: Annotated[
        bool, typer.Option("--record", help="Write the record and the picture of the report, too.")
    ] = False,
) -> None:
    """Send thousands of orders through a local cloud under faults, recover, and check the books.

    All measurements go to .workshop/reports/soak.json, the picture to soak.svg beside it.
    """
    from devtools.reliability.record import write  # noqa: PLC0415 - only this command's
    from devtools.soak import picture, run  # noqa: PLC0415
    from devtools.soak import record as recording  # noqa: PLC0415

    heading(f"{orders:,} orders, seed {seed}")
    remove(CLOUD)
    try:
        limit = 60.0 * minutes if minutes else math.inf
        result = run.soak(up(name=CLOUD), orders, seed, _Progress(orders), limit=limit)
    finally:
        remove(CLOUD)
    figures = recording.figures(result, seed)
    for what, value in figures.items():
        out.print(f"{what}: {value}", markup=False)
    content = {"figures": figures, "samples": [asdict(each) for each in result.samples]}
    drawn = picture.svg(
        result.samples, result.load_seconds, f"{len(result.orders):,} orders under faults"
    )
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(content, indent=1), "utf-8")
    REPORT.with_suffix(".svg").write_text(drawn, "utf-8")
    problems = [*result.breaches, *recording.findings(result)]
    for problem in problems[:SHOWN_BREACHES]:
        say(problem)
    if problems:
        again = f"make soak ARGS='--orders {orders} --seed {seed}'"
        say(f"{len(problems)} problems. To repeat it: {again}")
        raise typer.Exit(1)
    memory = "memory is flat" if recording.is_judged(result) else "too few orders to judge memory"
    out.print(f"Every order is at its end, the books are balanced; {memory}.")
    if record:
        write(recording.record(result, seed))
        (ROOT / recording.PICTURE).write_text(drawn, "utf-8")


class _Progress:
    """Says now and then how far the soak is."""

    def __init__(self, orders: int) -> None:
        self._orders = orders
        self._next = 0.0

    def __call__(self, sample: "Sample") -> None:
        if sample.seconds < self._next:
            return
        self._next = sample.seconds + SHOWN_EVERY_SECONDS
        say(
            f"{sample.seconds:5.0f} s: {sample.placed:,} of {self._orders:,} orders, "
            f"{sample.open} open, {sample.queued + sample.later} deliveries wait, "
            f"{sample.dead} dead letters, memory {sample.server:.0f} MB of the server, "
            f"{sample.functions:.0f} MB of {sample.processes} processes of functions"
        )
