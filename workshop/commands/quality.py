"""Verbs that test: every part alone, and all of them in a row."""

import time
from collections.abc import Callable
from typing import Annotated

import typer
from rich.table import Table

from workshop import parts
from workshop.console import heading, out, say
from workshop.errors import UsageError, WorkshopError
from workshop.parts import Tally

app = typer.Typer()

PARTS: dict[str, Callable[[], Tally]] = {
    "lint": parts.lint,
    "types": parts.types,
    "unit": parts.unit,
    "terraform": parts.terraform,
    "deployed": parts.deployed,
}

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def fmt() -> None:
    """Bring all code into shape: Python and Terraform."""
    parts.fmt()


@app.command()
def lint() -> None:
    """Check style, and that all code is in shape."""
    _end(parts.lint())


@app.command()
def types() -> None:
    """Check the type hints."""
    _end(parts.types())


@app.command(context_settings=_PASS_ON)
def unit(context: typer.Context) -> None:
    """Run the tests that need no cloud; options go to pytest."""
    _end(parts.unit(*context.args))


@app.command()
def terraform() -> None:
    """Check the Terraform configuration, and test it against a mock of AWS."""
    _end(parts.terraform())


@app.command(context_settings=_PASS_ON)
def deployed(context: typer.Context) -> None:
    """Run the tests of the deployed stack on a local cloud of their own; options go to pytest."""
    _end(parts.deployed(*context.args))


@app.command("test")
def all_parts(
    part: Annotated[list[str] | None, typer.Argument(help="Only these parts, in order.")] = None,
) -> None:
    """Run every test there is."""
    chosen = part or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        raise UsageError(f"There is no part {', '.join(unknown)}: {', '.join(PARTS)}.")
    table = Table("part", "seconds", "passed", "failed", box=None)
    total = Tally()
    for name in chosen:
        heading(name)
        started = time.monotonic()
        try:
            tally = PARTS[name]()
        except WorkshopError as error:
            say(str(error))
            tally = Tally(failed=1)
        total += tally
        seconds = f"{time.monotonic() - started:.0f}"
        table.add_row(name, seconds, str(tally.passed), str(tally.failed))
    out.print(table)
    out.print(f"{total.passed} passed, {total.failed} failed")
    _end(total)


def _end(tally: Tally) -> None:
    """Give the exit code that a script expects."""
    if tally.failed:
        raise typer.Exit(1)
