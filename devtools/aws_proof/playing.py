"""Run the steps of a story, and remove everything afterwards, also after a failure."""

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from devtools.aws_proof.story import Step
from workshop.console import heading, out, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.release.release import ignore_signals
from workshop.deployment.stack import current
from workshop.errors import EXPECTED, in_one_line
from workshop.paths import ROOT

POLL_SECONDS = 5.0
"""Seconds before a step is repeated: it sends a dozen requests."""

OK, FAILED, INTERRUPTED, NOT_RUN = "ok", "failed", "interrupted", "not run"

Do = Callable[[Step], tuple[int, str]]
"""Does what a step says; returns the exit code and the output."""


@dataclass(frozen=True)
class Result:
    """The result of a step.

    Attributes:
        step: The step.
        outcome: `OK`, `FAILED`, `INTERRUPTED` or `NOT_RUN`.
        seconds: Its duration.
    """

    step: Step
    outcome: str = NOT_RUN
    seconds: float = 0.0


def play(story: Sequence[Step], clean_up: Sequence[Step], do: Do) -> list[Result]:
    """Run steps until one fails or is interrupted; then clean up, without interruption.

    Args:
        story: The steps.
        clean_up: The steps that run in any case.
        do: Does what a step says.

    Returns:
        The result of each step.
    """
    results: list[Result] = []
    with suppress(KeyboardInterrupt):  # between two steps
        for step in story:
            results.append(_run(step, do))
            if results[-1].outcome != OK:
                break
    results += map(Result, story[len(results) :])
    with ignore_signals():
        return results + [_run(step, do) for step in clean_up]


def table_of(results: Sequence[Result]) -> Table:
    """Return a table of the steps, their results and their seconds."""
    table = Table("step", "result", "seconds", box=None)
    for each in results:
        table.add_row(each.step.title, each.outcome, f"{each.seconds:.0f}")
    return table


def doing(cloud: str) -> Do:
    """Return the function that runs steps on a stack.

    Args:
        cloud: The name of the stack's cloud, as `WORKSHOP_CLOUD` has it.
    """

    def do(step: Step) -> tuple[int, str]:
        if isinstance(step.does, str):
            return command(sys.executable, "-m", "workshop", *shlex.split(step.does))
        with aws_errors():
            output = step.does(current(cloud))
        out.print(output, markup=False)
        return 0, output

    return do


def command(*words: str) -> tuple[int, str]:
    """Run a program, show its output, and return its exit code and the output.

    The terminal's Ctrl-C does not reach it; this function interrupts it once. A command that is
    interrupted twice would not stop cleanly.
    """
    apart: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    lines: list[str] = []

    def show() -> None:
        for line in process.stdout or ():
            lines.append(line)
            out.print(line, end="", markup=False, soft_wrap=True)

    with subprocess.Popen(
        words,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        **apart,
    ) as process:
        try:
            show()
        except KeyboardInterrupt:
            if apart:
                process.send_signal(signal.SIGINT)
            show()
            process.wait()
            raise
    return process.returncode, "".join(lines)


def _run(step: Step, do: Do) -> Result:
    heading(step.title)
    started = time.monotonic()
    try:
        outcome = OK if _done(step, do) else FAILED
    except EXPECTED as error:
        say(str(error))
        outcome = FAILED
    except Exception as error:  # noqa: BLE001 - whatever it is, the stack is removed
        say(in_one_line(error))
        outcome = FAILED
    except KeyboardInterrupt:
        outcome = INTERRUPTED
    return Result(step, outcome, time.monotonic() - started)


def _done(step: Step, do: Do) -> bool:
    deadline = time.monotonic() + step.seconds
    while True:
        code, output = do(step)
        if code == step.exit_code and step.shows in " ".join(output.split()):
            return True
        if time.monotonic() > deadline:
            say(f"Expected: exit code {step.exit_code}{f', {step.shows!r}' * bool(step.shows)}.")
            return False
        time.sleep(POLL_SECONDS)
