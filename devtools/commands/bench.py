"""The command that measures."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workshop.console import heading, out, say
from workshop.deployment import bundles
from workshop.deployment.local.up import remove, up
from workshop.orders import api_client
from workshop.paths import ROOT, STATE

if TYPE_CHECKING:
    from devtools.bench.figures import Figure
    from devtools.bench.record import Record

Measured = Iterator[tuple[str, list["Figure"]]]
"""The name of a group, and some of its figures."""

app = typer.Typer()

CLOUD = "bench"
"""The bench has its own local cloud, so that it measures nothing else."""

REPORT = STATE / "reports" / "bench.json"


@app.command()
def bench(
    output: Annotated[Path, typer.Option(help="File for the figures as JSON.")] = REPORT,
    *,
    skip_demo: Annotated[
        bool, typer.Option("--skip-demo", help="Leave out `make demo` from a clean clone.")
    ] = False,
    record: Annotated[
        bool,
        typer.Option(
            "--record", help="Write the record, docs/performance.md and its picture, too."
        ),
    ] = False,
    buffer: Annotated[
        bool, typer.Option("--buffer", help="Only draw docs/buffer.svg again: ten minutes.")
    ] = False,
) -> None:
    """Measure every budget, beside its floor and beside the flow written the conventional way.

    The table is printed; the figures go to .workshop/reports/bench.json, the picture beside it.
    """
    if buffer:
        _draw_buffer()
        return
    from devtools.bench import picture  # noqa: PLC0415 - only this command's
    from devtools.bench.record import (  # noqa: PLC0415
        PICTURE,
        RECORD,
        Machine,
        Record,
        read,
        write,
    )

    started = time.monotonic()
    found = Record(Machine.now())
    if found.machine.is_busy:
        say(f"The machine is busy (load {found.machine.load}): the times will be too long.")
    for part in (_alone, _on_a_cloud, partial(_waiting, skip_demo=skip_demo)):
        for name, figures in part(found):
            found.groups[name] = [*found.groups.get(name, []), *figures]
            write(found, output)  # so that a run that fails leaves what it has
    minutes = round((time.monotonic() - started) / 60, 1)
    found.machine = replace(found.machine, minutes=minutes)
    _print(found)
    for path in [output, *([RECORD] if record else [])]:
        write(found, path)
    drawn = picture.svg(read(output))  # the rounded figures, as the picture of a record has them
    for path in [output.with_suffix(".svg"), *([PICTURE] if record else [])]:
        path.write_text(drawn, "utf-8")
    if record:
        from devtools.bench import memory  # noqa: PLC0415
        from devtools.commands.docs import cog  # noqa: PLC0415

        memory.write(memory.measure())
        cog()
        say(f"Written: {RECORD.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)} and the pages.")
    say(f"{minutes:.1f} minutes. The same as JSON: {output}")


def _alone(_: "Record") -> Measured:
    from devtools.bench import in_process, request_count, size  # noqa: PLC0415
    from devtools.bench.conventional import bundle, cost  # noqa: PLC0415

    heading("Functions alone: size, requests, cost")
    made = bundles.build()
    twin = cost.counted().by_service()
    yield (
        "requests",
        [
            replace(size.figure(made), conventional=len(bundle.build()) / 1e6),
            *(
                replace(each, conventional=twin[each.what.rpartition(" ")[2]])
                for each in request_count.figures()
            ),
            request_count.reconciling(),
            cost.figure(),
        ],
    )
    heading("Functions alone: cold start, CPU time")
    yield "alone", in_process.figures(made)


def _on_a_cloud(found: "Record") -> Measured:
    from devtools.bench import (  # noqa: PLC0415
        baseline,
        board,
        flow,
        losses,
        recovery,
        redeploy_time,
        under_faults,
    )
    from devtools.bench.conventional import flow as conventional  # noqa: PLC0415

    try:
        stack = up(None, CLOUD)
        stock = dict.fromkeys(api_client.catalogue(), flow.PLENTY)
        api_client.set_stock(stack, stock)
        heading("The board in a browser")
        yield "board", board.figures(stack)
        heading("The flow on the local cloud, beside the baseline and the conventional one")
        twin = conventional.deploy(stack, stock)
        compared = flow.sides(stack, baseline.deploy(stack), twin)
        yield "flow", flow.figures(stack, compared, say)
        heading("A dead letter and its redrive")
        yield "recovery", recovery.figures(stack)
        heading("The same orders under the same faults")
        outcomes = under_faults.compare(stack, twin, say)
        found.by_fault = losses.by_fault(outcomes)
        yield "faults", losses.figures(outcomes)
        heading("From a change to the new code")
        yield "waiting", [redeploy_time.figure(stack)]
    finally:
        remove(CLOUD)


def _waiting(_: "Record", *, skip_demo: bool) -> Measured:
    from devtools.bench import waiting_time  # noqa: PLC0415

    heading("What a person waits for")
    yield "waiting", [waiting_time.start()]
    if not skip_demo:
        yield "waiting", [waiting_time.demo()]


def _print(found: "Record") -> None:
    from devtools.bench.figures import table_of  # noqa: PLC0415
    from devtools.bench.record import GROUPS  # noqa: PLC0415

    for name, title in GROUPS.items():
        if name in found.groups:
            heading(title)
            out.print(table_of(found.groups[name]))


def _draw_buffer() -> None:
    from devtools.bench import buffer  # noqa: PLC0415

    try:
        without, buffered = buffer.draw(CLOUD)
    finally:
        remove(CLOUD)
    for name, found in (("without a buffer", without), ("with a buffer", buffered)):
        last = ", ".join(f"{key} {times[-1]:.0f} s" for key, times in found.items())
        say(f"{name}: the last order after {last}")
    say(f"The picture: {buffer.PICTURE.relative_to(ROOT)}")
