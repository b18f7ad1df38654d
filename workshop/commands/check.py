"""The verb that tells a learner whether a stage does what it should."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workshop.commands.stack import stage_number
from workshop.console import out, say
from workshop.deployment.on_purpose import nothing_is_wrong
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.errors import WorkshopError
from workshop.paths import LAST_STAGE, ROOT, stage_folder

if TYPE_CHECKING:
    import pytest

app = typer.Typer()


@app.command()
def check(
    stage: Annotated[
        int | None,
        typer.Option(
            parser=stage_number, metavar="STAGE", help="Check 1 to this; default: what is up."
        ),
    ] = None,
) -> None:
    """Check that the stack does what its stages promise, and say what is missing."""
    import pytest  # noqa: PLC0415 - only in the development environment

    stack = current()
    wanted = stage or stack.stage
    if wanted > stack.stage:
        raise WorkshopError(
            f"The stack is at stage {stack.stage}. Bring it up first: make up STAGE={wanted}"
        )
    nothing_is_wrong(stack)
    folders = [folder / "tests/deployed" for folder in _stage_folders(wanted)]
    tests = [str(folder) for folder in folders if folder.is_dir()]
    if not tests:
        raise WorkshopError(f"Stages 1 to {wanted} have no checks yet.")
    os.environ.update(stack.target.environment() | {CLOUD_VARIABLE: stack.target.name})
    report = _Report()
    with contextlib.chdir(ROOT), _silence() as noise:
        code = pytest.main(
            ["-m", "deployed", "-p", "no:terminal", "-p", "no:cacheprovider", *tests],
            plugins=[report],
        )
    if not report.passed and not report.failed:
        raise WorkshopError(f"{noise.getvalue().strip()}\nThe checks could not be run.".strip())
    out.print(f"{report.passed} passed, {report.failed} failed")
    if report.failed or code:
        raise typer.Exit(1)
    if wanted == stack.stage < LAST_STAGE:
        say(f"Next: make up STAGE={wanted + 1}")


def _stage_folders(last: int) -> list[Path]:
    folders = [stage_folder(stage) for stage in range(1, last + 1)]
    return [folder for folder in folders if folder]


@contextlib.contextmanager
def _silence() -> Iterator[io.StringIO]:
    """Keep what pytest itself says, in case it cannot begin."""
    noise = io.StringIO()
    with contextlib.redirect_stderr(noise):
        yield noise


class _Report:
    """Tells each test by the first line of its docstring, and a failure by its message."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self._claims: dict[str, str] = {}
        self._stage = ""

    def pytest_collection_modifyitems(self, items: list["pytest.Item"]) -> None:
        for item in items:
            text = getattr(getattr(item, "obj", None), "__doc__", None) or item.name
            call = getattr(item, "callspec", None)
            values = call.params.values() if call else ()
            case = ", ".join(str(each) for each in values if isinstance(each, str | int))
            self._claims[item.nodeid] = text.strip().splitlines()[0].rstrip(".")
            self._claims[item.nodeid] += f" [{case}]" if case else ""

    def pytest_runtest_logreport(self, report: "pytest.TestReport") -> None:
        if report.when != "call" and not (report.failed or report.skipped):
            return
        claim = self._claims.get(report.nodeid, report.nodeid)
        folder = report.nodeid.partition("::")[0].partition("/")[0]
        if folder != self._stage:
            self._stage = folder
            out.print(f"\n{folder}", style="bold", markup=False)
        if report.passed:
            self.passed += 1
            out.print(f"  [green]✓[/green] {_plain(claim)}", soft_wrap=True)
        elif report.skipped:
            out.print(f"  [yellow]–[/yellow] {_plain(claim)}", soft_wrap=True)
        else:
            self.failed += 1
            out.print(f"  [red]✗[/red] {_plain(claim)}", soft_wrap=True)
            for line in _why(report):
                out.print(f"      {line}", markup=False, soft_wrap=True)

    def pytest_collectreport(self, report: "pytest.CollectReport") -> None:
        if report.failed:
            self.failed += 1
            out.print(f"  [red]✗[/red] {_plain(report.nodeid)} cannot be read", soft_wrap=True)
            out.print(str(report.longrepr).splitlines()[-1], markup=False, soft_wrap=True)


def _why(report: "pytest.TestReport") -> list[str]:
    """A failure's own message, and where the check stands; no traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    told = getattr(report.longrepr, "errorstring", report.longrepr)  # a fixture that is not there
    message = str(crash.message if crash else told)
    message = message.removeprefix("AssertionError: ").partition("\nassert ")[0]
    lines = [line for line in message.splitlines() if line.strip()]
    path, line, _ = report.location
    return [*lines, f"look at {path}:{(line or 0) + 1}"]


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
