"""The command that measures."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workshop.console import heading, out, say
from workshop.deployment import bundles
from workshop.deployment.local.up import remove, up
from workshop.paths import STATE

app = typer.Typer()

CLOUD = "bench"
"""The bench has a local cloud of its own, so that nothing else is measured with it."""


@app.command()
def bench(
    output: Annotated[Path, typer.Option(help="Where the figures go as JSON.")] = STATE
    / "bench.json",
    *,
    skip_demo: Annotated[
        bool, typer.Option("--skip-demo", help="Leave out `make demo` from a clean clone.")
    ] = False,
) -> None:
    """Measure every budget beside its floor, as a table and as JSON."""
    from devtools.bench import (  # noqa: PLC0415 - only this command's
        flow,
        in_process,
        recovery,
        redeploy_time,
        request_count,
        size,
        waiting_time,
    )
    from devtools.bench.figures import as_json, table_of  # noqa: PLC0415

    heading("Functions alone: size, requests, cold start, own work")
    made = bundles.build()
    figures = [size.figure(made), *request_count.figures(), request_count.reconciling()]
    figures += in_process.figures(made)
    heading("The flow on the local cloud, beside its bare twin")
    try:
        stack = up(None, CLOUD)
        figures += flow.figures(stack)
        heading("What failure costs: a dead letter, and its redrive")
        figures += recovery.figures(stack)
        heading("From a change to the changed code")
        figures.append(redeploy_time.figure(stack))
    finally:
        remove(CLOUD)
    heading("What a person waits for")
    figures.append(waiting_time.start())
    if not skip_demo:
        figures.append(waiting_time.demo())
    out.print(table_of(figures))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(as_json(figures), indent=1, ensure_ascii=False), "utf-8")
    say(f"The same as JSON: {output}")
