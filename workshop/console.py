"""What people see: colour on a terminal only, plain lines elsewhere, NO_COLOR honoured."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

PLAIN_WIDTH = 120
"""Columns of a table that goes to a file or a pipe."""


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        highlight=False,
        emoji=False,
        width=None if stream.isatty() else PLAIN_WIDTH,
    )


out = _console(stderr=False)
"""Results: what was asked for."""
err = _console(stderr=True)
"""Everything else: progress, remarks, faults."""


def say(message: str) -> None:
    """A remark on what is going on, on standard error; a closed terminal does not hear it."""
    with suppress(OSError):
        err.print(message, markup=False, soft_wrap=True)


def print_table(table: "Table") -> None:
    """Print a table as a result; without spaces at the ends of its lines, except on a terminal."""
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        out.print(line.rstrip(), markup=False, soft_wrap=True)


def heading(title: str) -> None:
    """The start of a part of something longer."""
    err.print(f"── {title} ──", style="bold", markup=False)


class Spinner:
    """Shows that a command waits: an animation on a terminal, else a line now and then."""

    _PATIENCE = 2.0  # seconds without output before the animation starts
    _LINE_EVERY = 5.0  # seconds between two lines that are no output of the command

    def __init__(self, what: str) -> None:
        """Start to wait, without showing it yet.

        Args:
            what: What to show, such as "Waiting for the next step …".
        """
        self._what = what
        self._status = err.status(what)
        self._since = self._shown = time.monotonic()

    def waiting(self) -> None:
        """Show it if there was no output for a while."""
        if time.monotonic() > self._since + self._PATIENCE:
            self.now()

    def now(self, what: str | None = None) -> None:
        """Show it at once on a terminal.

        Args:
            what: What to show from now on; by default the same as before.
        """
        if what is not None:
            self._what = what
            self._status.update(what)
        if err.is_terminal:
            self._status.start()
        elif time.monotonic() > self._shown + self._LINE_EVERY:
            self._shown = time.monotonic()
            say(f"  {self._what}")

    def over(self) -> None:
        """Remove it: the command has output."""
        self._status.stop()
        self._since = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over()


class Steps:
    """Progress through a number of steps: a bar on a terminal, else a line now and then."""

    _LINE_EVERY = 5.0  # seconds

    def __init__(self, progress: "Progress") -> None:
        """Start with nothing known."""
        self._progress = progress
        self._task = progress.add_task("", total=None)
        self._reported = progress.get_time()

    def planned(self, total: int) -> None:
        """Set how many steps there are."""
        self._progress.update(self._task, total=total, completed=0)

    def doing(self, what: str) -> None:
        """Name what is going on."""
        self._progress.update(self._task, description=what)
        self._report(what)

    def done(self) -> None:
        """Count one more step."""
        self._progress.advance(self._task)

    def _report(self, what: str) -> None:
        if err.is_terminal or self._progress.get_time() - self._reported < self._LINE_EVERY:
            return
        self._reported = self._progress.get_time()
        task = self._progress.tasks[0]
        count = f"{task.completed:.0f} of {task.total:.0f}: " if task.total else ""
        say(f"  {count}{what}")


@contextmanager
def steps(title: str) -> Iterator[Steps]:
    """Show progress under a title while something longer runs."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.table import Column  # noqa: PLC0415 - rich.progress imports it

    if not err.is_terminal:
        say(f"{title} …")
    columns = (
        TextColumn(title, markup=False),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn(
            "{task.description}",
            style="dim",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
    )
    terminal = err.is_terminal
    with Progress(
        *columns, console=err, transient=True, disable=not terminal, expand=True
    ) as progress:
        yield Steps(progress)
