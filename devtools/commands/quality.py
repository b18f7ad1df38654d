"""Verbs that test: every part alone, and all of them in a row."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer
from rich.table import Table

from devtools import test_runner
from devtools.pipeline import run
from devtools.test_runner import Tally
from workshop.console import heading, out, say
from workshop.errors import EXPECTED, UsageError

app = typer.Typer()

PARTS: dict[str, Callable[[], Tally]] = {
    "lint": test_runner.lint,
    "types": test_runner.types,
    "notebooks": test_runner.notebooks,
    "unit": test_runner.unit,
    "terraform": test_runner.terraform,
    "security": test_runner.security,
    "deployed": test_runner.deployed,
}

MOSTLY_WAITS = "deployed"
BESIDE: dict[str, Callable[[], Tally]] = {
    "notebooks": test_runner.notebooks,
    "unit": partial(test_runner.unit, beside=True),
    "terraform": partial(test_runner.terraform, beside=True),
    "security": partial(test_runner.security, beside=True),
}
"""Parts that go on beside the one that mostly waits: each says how it ended."""

BESIDE_AT_ONCE = 2
"""How many of them at once: on two cores a third would only slow the others down."""

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def fmt() -> None:
    """Bring all code into shape: Python and Terraform."""
    test_runner.fmt()


@app.command()
def lint() -> None:
    """Check style, and that all code is in shape."""
    _end(test_runner.lint())


@app.command()
def types() -> None:
    """Check the type hints."""
    _end(test_runner.types())


@app.command(context_settings=_PASS_ON)
def unit(context: typer.Context) -> None:
    """Run the tests that need no cloud; options go to pytest."""
    _end(test_runner.unit(*context.args))


@app.command()
def terraform() -> None:
    """Check the Terraform configuration, and test it against a mock of AWS."""
    _end(test_runner.terraform())


@app.command(context_settings=_PASS_ON)
def security(context: typer.Context) -> None:
    """Scan the workflows and what Terraform would make for weak spots; options go to pytest."""
    _end(test_runner.security(*context.args))


@app.command(context_settings=_PASS_ON)
def deployed(context: typer.Context) -> None:
    """Run the tests of the deployed stack on a local cloud of their own; options go to pytest."""
    _end(test_runner.deployed(*context.args))


@app.command("test")
def all_parts(
    part: Annotated[list[str] | None, typer.Argument(help="Only these parts, in order.")] = None,
) -> None:
    """Run every test there is."""
    chosen = part or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        raise UsageError(f"There is no part {', '.join(unknown)}: {', '.join(PARTS)}.")
    results: dict[str, _Result | Future[_Result]] = {}
    with ThreadPoolExecutor(BESIDE_AT_ONCE) as pool:
        for place, name in enumerate(chosen):
            heading(name)
            if name in BESIDE and MOSTLY_WAITS in chosen[place:]:
                say("Goes on beside the deployed tests, which mostly wait.")
                results[name] = pool.submit(_run, BESIDE[name])
            else:
                results[name] = _run(PARTS[name])
    table = Table("part", "seconds", "passed", "failed", box=None)
    page = ["| part | seconds | passed | failed |", "|---|---|---|---|"]
    total = Tally()
    for name, result in results.items():
        done = result.result() if isinstance(result, Future) else result
        numbers = (done.seconds, done.tally.passed, done.tally.failed)
        table.add_row(name, *(f"{number:.0f}" for number in numbers))
        page.append("| {} | {:.0f} | {} | {} |".format(name, *numbers))
        total += done.tally
    out.print(table)
    run.summarise("\n".join(page))
    out.print(f"{total.passed} passed, {total.failed} failed")
    _end(total)


@dataclass(frozen=True)
class _Result:
    """What a part came to, and how long it took."""

    tally: Tally
    seconds: float


def _run(part: Callable[[], Tally]) -> _Result:
    started = time.monotonic()
    try:
        tally = part()
    except EXPECTED as error:
        say(str(error))
        tally = Tally(failed=1)
    return _Result(tally, time.monotonic() - started)


def _end(tally: Tally) -> None:
    """Give the exit code that a script expects."""
    if tally.failed:
        raise typer.Exit(1)
