"""Commands that test: each part alone, and several of them."""

import os
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from devtools import test_runner
from devtools.test_runner import Tally
from workshop.console import heading, out, say
from workshop.errors import EXPECTED, UsageError

app = typer.Typer()

PARTS: dict[str, Callable[[], Tally]] = {
    "lint": test_runner.lint,
    "types": test_runner.types,
    "unit": test_runner.unit,
    "terraform": test_runner.terraform,
    "stack": test_runner.stack,
    "exercises": test_runner.exercises,
    "browser": test_runner.browser,
    "simulate": test_runner.simulate,
    "security": test_runner.security,
    "deployed": test_runner.deployed,
}
QUICK = ("lint", "types", "unit", "terraform", "stack")
"""The parts of `make test`; `make test-all` has all."""

MOSTLY_WAITS = ("stack", "deployed")
BESIDE: dict[str, Callable[[], Tally]] = {
    "types": partial(test_runner.types, beside=True),
    "unit": partial(test_runner.unit, beside=True),
    "terraform": partial(test_runner.terraform, beside=True),
    "exercises": partial(test_runner.exercises, beside=True),
    "browser": partial(test_runner.browser, beside=True),
    "simulate": partial(test_runner.simulate, beside=True),
    "security": partial(test_runner.security, beside=True),
}
"""Parts that run one after the other beside a part that mostly waits."""

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def fmt() -> None:
    """Format all code: Python and Terraform."""
    test_runner.fmt()


@app.command()
def lint() -> None:
    """Check the style and format of all code."""
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
    """Scan the workflows and the Terraform plans; options go to pytest."""
    _end(test_runner.security(*context.args))


@app.command(context_settings=_PASS_ON)
def deployed(context: typer.Context) -> None:
    """Run the tests of the deployed stack on their own local clouds; options go to pytest."""
    _end(test_runner.deployed(*context.args))


@app.command(context_settings=_PASS_ON)
def stack(context: typer.Context) -> None:
    """Deploy all stages once, and test flow and notebooks on this stack; options go to pytest."""
    _end(test_runner.stack(*context.args))


@app.command(context_settings=_PASS_ON)
def exercises(context: typer.Context) -> None:
    """Run each exercise from its start to its end; options go to pytest."""
    _end(test_runner.exercises(*context.args))


@app.command(context_settings=_PASS_ON)
def browser(context: typer.Context) -> None:
    """Deploy all stages once, and use the board in a real browser; options go to pytest."""
    _end(test_runner.browser(*context.args))


@app.command("test")
def quick(
    part: Annotated[
        list[str] | None, typer.Argument(help=f"Only these parts: {', '.join(PARTS)}.")
    ] = None,
) -> None:
    """Run lint, types, unit and Terraform tests, and flow and notebooks on one stack."""
    run_parts(part or QUICK)


@app.command("test-all")
def everything(
    *,
    rest: Annotated[
        bool, typer.Option("--rest", help="Only the parts that `make test` leaves out.")
    ] = False,
) -> None:
    """Run every test: also each stage, an account, exercises, pages, board, scanners."""
    run_parts([name for name in PARTS if not rest or name not in QUICK])


def run_parts(chosen: Sequence[str]) -> None:
    """Run parts of the tests, and show a table of the results.

    Args:
        chosen: Their names.

    Raises:
        UsageError: A part does not exist.
        typer.Exit: Something failed.
    """
    if unknown := set(chosen) - set(PARTS):
        raise UsageError(f"There is no part {', '.join(unknown)}: {', '.join(PARTS)}.")
    results: dict[str, _Result] = {}
    waiting = [name for name in MOSTLY_WAITS if name in chosen]
    beside = [name for name in BESIDE if name in chosen and waiting]
    pool = ThreadPoolExecutor(1)
    try:
        for name in chosen:
            if name not in {*waiting, *beside}:
                results[name] = _run(name, PARTS[name])
        running = {name: pool.submit(_run, name, BESIDE[name], beside=True) for name in beside}
        for name in waiting:
            results[name] = _run(name, PARTS[name])
        results |= {name: each.result() for name, each in running.items()}
    finally:
        pool.shutdown(cancel_futures=True)  # interrupted, no further part begins
    table = Table("part", "seconds", "passed", "failed", box=None)
    page = ["| part | seconds | passed | failed |", "|---|---|---|---|"]
    total = Tally()
    for name in chosen:
        done = results[name]
        numbers = (done.seconds, done.tally.passed, done.tally.failed)
        table.add_row(name, *(f"{number:.0f}" for number in numbers))
        page.append("| {} | {:.0f} | {} | {} |".format(name, *numbers))
        total += done.tally
    out.print(table)
    _summarise("\n".join(page))
    if failed := [name for name in chosen if results[name].tally.failed]:
        say(f"Repeat what failed with: {', '.join(f'make {name}' for name in failed)}")
    out.print(f"{total.passed} passed, {total.failed} failed")
    _end(total)


@dataclass(frozen=True)
class _Result:
    """A part's result and duration."""

    tally: Tally
    seconds: float


def _run(name: str, part: Callable[[], Tally], *, beside: bool = False) -> _Result:
    if not beside:  # its heading would be in the middle of another part's output
        heading(name)
    started = time.monotonic()
    try:
        tally = part()
    except EXPECTED as error:
        say(str(error))
        tally = Tally(failed=1)
    except Exception:  # noqa: BLE001 - the other parts still say what they found
        traceback.print_exc()
        tally = Tally(failed=1)
    seconds = time.monotonic() - started
    say(f"{name}: {tally.passed} passed, {tally.failed} failed ({seconds:.0f} s)")
    return _Result(tally, seconds)


def _summarise(markdown: str) -> None:
    """Show a table on the page of the GitHub Actions run; do nothing elsewhere."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(f"{markdown}\n\n")


def _end(tally: Tally) -> None:
    """Exit with 1 if a test failed."""
    if tally.failed:
        raise typer.Exit(1)
