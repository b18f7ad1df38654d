"""Checks as a learner sees them: each claim in one line, and a failure in its own words."""

import contextlib
import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orderflow.errors import UnexpectedError
from workshop.console import out, say
from workshop.errors import WorkshopError
from workshop.paths import ROOT, name_of_own

if TYPE_CHECKING:
    import pytest

NOT_NEEDED = ("terminal", "cacheprovider", "anyio", "hypothesispytest", "nbval")
"""Plugins of pytest that a check does without; the last three are slow to import."""

_ROOT = f"{ROOT}{os.sep}"
_HANG = re.compile(r"Timeout \(>(\d+)\.\d+s\) from pytest-timeout")
_UNREADABLE = ("SyntaxError: ", "IndentationError: ", "TabError: ")


def run(paths: Iterable[Path], *options: str) -> "Report":
    """Run checks with pytest in this process, and report how each ends.

    Args:
        paths: Their files or folders, in the repository.
        options: Which of them, as pytest takes them.

    Raises:
        WorkshopError: They could not be run.
    """
    import pytest  # noqa: PLC0415 - only in the development environment

    report = Report()
    plain = [option for name in NOT_NEEDED for option in ("-p", f"no:{name}")]
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        os.environ.pop(name, None)  # of other projects
    with contextlib.chdir(ROOT), _silence() as noise:
        code = pytest.main([*plain, *options, *names(paths)], plugins=[report])
    if report.crash is not None:  # its lines could not be written, say
        raise report.crash
    if not report.passed and not report.failed:
        why = "\n".join(_unreadable(noise.getvalue()))
        raise WorkshopError(f"{why}\nThe checks could not be run.".strip())
    if code and not report.failed:
        report.failed = 1
    for reason, number in report.left_out.items():
        say(f"{number} {'check' if number == 1 else 'checks'} skipped: {reason}")
    out.print(report.summary)
    return report


def names(paths: Iterable[Path]) -> list[str]:
    """Return paths as pytest takes them: below the root, because it takes no [ in a folder's path.

    Args:
        paths: Files and folders, usually in the repository.
    """
    return [os.path.relpath(path, ROOT) for path in paths]


@contextlib.contextmanager
def _silence() -> Iterator[io.StringIO]:
    """Keep what pytest itself says, in case it cannot begin."""
    noise = io.StringIO()
    with contextlib.redirect_stderr(noise):
        yield noise


class Report:
    """Shows each test as the first line of its docstring, and each failure as its message."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.left_out: Counter[str] = Counter()
        """Why tests are not for this stack → how many."""
        self.crash: BaseException | None = None
        self._claims: dict[str, str] = {}
        self._stage = ""
        self._why: list[str] = []
        self._where = ""

    @property
    def summary(self) -> str:
        """Return how many checks passed, and how many failed."""
        return f"{self.passed} passed, {self.failed} failed"

    def pytest_configure(self, config: "pytest.Config") -> None:
        """Give pytest-timeout what it writes to: without pytest's terminal it could end no test."""
        config.get_terminal_writer = _NoTerminal  # type: ignore[assignment,method-assign]

    def pytest_collection_modifyitems(self, items: list["pytest.Item"]) -> None:
        """Note what each test claims."""
        for item in items:
            text = getattr(getattr(item, "obj", None), "__doc__", None) or item.name
            call = getattr(item, "callspec", None)
            values = call.params.values() if call else ()
            case = ", ".join(
                str(each) for each in values if isinstance(each, str | int) and each != ""
            )
            self._claims[item.nodeid] = text.strip().splitlines()[0].rstrip(".")
            self._claims[item.nodeid] += f" [{case}]" if case else ""

    def pytest_runtest_makereport(self, call: "pytest.CallInfo[None]") -> None:
        """Report the error that a function hides from its log: a learner's data is not personal."""
        import pytest  # noqa: PLC0415 - only in the development environment

        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, UnexpectedError) and error.__context__:
            call.excinfo = pytest.ExceptionInfo.from_exception(error.__context__)

    def pytest_runtest_logreport(self, report: "pytest.TestReport") -> None:
        """Show how a test ended."""
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

    def pytest_internalerror(self, excinfo: "pytest.ExceptionInfo[BaseException]") -> bool:
        """Keep what this class itself raised; pytest prints nothing then."""
        self.crash = excinfo.value
        return True

    def pytest_collectreport(self, report: "pytest.CollectReport") -> None:
        """Show which tests Python cannot read."""
        if report.failed:
            self.failed += 1
            out.print(f"  [red]✗[/red] {_plain(report.nodeid)} cannot be read", soft_wrap=True)
            for line in _unreadable(str(report.longrepr)):
                out.print(f"      {line}", markup=False, soft_wrap=True)


class _NoTerminal:
    """Takes what would be written to a terminal."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


def _reason(report: "pytest.TestReport") -> str:
    """Why a test was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


def _why(report: "pytest.TestReport") -> list[str]:
    """A failure's own message; no traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = getattr(report.longrepr, "errorstring", report.longrepr)  # a fixture that is not there
    message = str(crash.message if crash else text)
    message = message.removeprefix("AssertionError: ").removeprefix("Failed: ")
    message = message.partition("\nassert ")[0].replace(_ROOT, "")
    if hang := _HANG.search(message):
        message = f"It did not end within {hang[1]} seconds. Does the code wait or loop for ever?"
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


def _unreadable(output: str) -> list[str]:
    """Return what Python says of code that it cannot read; pytest marks those lines."""
    lines = output.replace(_ROOT, "").strip().splitlines()
    marked = [line[1:].removeprefix("   ") for line in lines if line.startswith("E ")]
    passed = [match[1] for line in lines if (match := re.match(r"(\w[^:]*:\d+): in ", line))]
    why = (marked or lines)[-4:]
    by_itself = not passed or not marked or marked[-1].strip().startswith(_UNREADABLE)
    return why if by_itself else [*why, f"look at {passed[-1]}"]


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
