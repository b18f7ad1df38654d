"""Checks as a learner sees them: each claim in one line, and a failure in its own words."""

import contextlib
import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workshop.console import out, say
from workshop.errors import WorkshopError
from workshop.paths import ROOT, name_of_own

if TYPE_CHECKING:
    import pytest

_ROOT = f"{ROOT}{os.sep}"
_UNREADABLE = ("SyntaxError: ", "IndentationError: ", "TabError: ")


def run(*options: str) -> "Report":
    """Run checks with pytest in this process, and tell how each ends.

    Args:
        options: which, as pytest takes them.

    Raises:
        WorkshopError: They could not be run.
    """
    import pytest  # noqa: PLC0415 - only in the development environment

    report = Report()
    with contextlib.chdir(ROOT), _silence() as noise:
        code = pytest.main(
            ["-p", "no:terminal", "-p", "no:cacheprovider", *options], plugins=[report]
        )
    if not report.passed and not report.failed:
        why = "\n".join(_unreadable(noise.getvalue()))
        raise WorkshopError(f"{why}\nThe checks could not be run.".strip())
    if code and not report.failed:
        report.failed = 1
    for reason, number in report.left_out.items():
        say(f"{number} left out: {reason}")
    out.print(f"{report.passed} passed, {report.failed} failed")
    return report


@contextlib.contextmanager
def _silence() -> Iterator[io.StringIO]:
    """Keep what pytest itself says, in case it cannot begin."""
    noise = io.StringIO()
    with contextlib.redirect_stderr(noise):
        yield noise


class Report:
    """Tells each test by the first line of its docstring, and a failure by its message."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.left_out: Counter[str] = Counter()
        """Why tests are not for this stack → how many."""
        self._claims: dict[str, str] = {}
        self._stage = ""
        self._why: list[str] = []
        self._where = ""

    def pytest_collection_modifyitems(self, items: list["pytest.Item"]) -> None:
        """Note what each test claims."""
        for item in items:
            text = getattr(getattr(item, "obj", None), "__doc__", None) or item.name
            call = getattr(item, "callspec", None)
            values = call.params.values() if call else ()
            case = ", ".join(str(each) for each in values if isinstance(each, str | int))
            self._claims[item.nodeid] = text.strip().splitlines()[0].rstrip(".")
            self._claims[item.nodeid] += f" [{case}]" if case else ""

    def pytest_runtest_logreport(self, report: "pytest.TestReport") -> None:
        """Tell how a test ended."""
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
            self.left_out[_reason(report)] += 1
        else:
            self.failed += 1
            out.print(f"  [red]✗[/red] {_plain(claim)}", soft_wrap=True)
            why, where = _why(report), _where(report)
            lines = ["as above"] if why == self._why else [*why]
            if where and (why, where) != (self._why, self._where):
                lines.append(where)
            for line in lines:
                out.print(f"      {line}", markup=False, soft_wrap=True)
            self._why, self._where = why, where

    def pytest_collectreport(self, report: "pytest.CollectReport") -> None:
        """Tell that tests could not even be read."""
        if report.failed:
            self.failed += 1
            out.print(f"  [red]✗[/red] {_plain(report.nodeid)} cannot be read", soft_wrap=True)
            for line in _unreadable(str(report.longrepr)):
                out.print(f"      {line}", markup=False, soft_wrap=True)


def _reason(report: "pytest.TestReport") -> str:
    """Why a test was skipped."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


def _why(report: "pytest.TestReport") -> list[str]:
    """A failure's own message; no traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    told = getattr(report.longrepr, "errorstring", report.longrepr)  # a fixture that is not there
    message = str(crash.message if crash else told)
    message = message.removeprefix("AssertionError: ").removeprefix("Failed: ")
    message = message.partition("\nassert ")[0].replace(_ROOT, "")
    return [line for line in message.splitlines() if line.strip()]


def _where(report: "pytest.TestReport") -> str:
    """Where to look: the code under test, if it raised what nobody caught; else the check."""
    if "".join(_why(report)[-1:]).startswith(_UNREADABLE):
        return ""  # Python says so itself
    path, line, _ = report.location
    return f"look at {_culprit(report) or f'{path}:{(line or 0) + 1}'}"


def _culprit(report: "pytest.TestReport") -> str | None:
    """The line of the code under test that raised what nobody caught, if it was one."""
    trace = getattr(report.longrepr, "reprtraceback", None)
    for entry in reversed(trace.reprentries if trace else ()):
        place = getattr(entry, "reprfileloc", None)
        if place is None:
            continue
        if name := name_of_own(ROOT / place.path):
            tested = not {"tests", "exercises"} & {*name.split("/")}
            return f"{name}:{place.lineno}" if tested else None
    return None


def _unreadable(told: str) -> list[str]:
    """What Python says of code that it cannot read; pytest marks those lines."""
    lines = told.replace(_ROOT, "").strip().splitlines()
    marked = [line[1:].removeprefix("   ") for line in lines if line.startswith("E ")]
    passed = [match[1] for line in lines if (match := re.match(r"(\w[^:]*:\d+): in ", line))]
    why = (marked or lines)[-4:]
    by_itself = not passed or not marked or marked[-1].strip().startswith(_UNREADABLE)
    return why if by_itself else [*why, f"look at {passed[-1]}"]


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
