"""The exercises: something broken to fix, with a check, three hints and a reset."""

import os
import sys
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from workshop import check_report
from workshop.console import out, say
from workshop.deployment import bundles
from workshop.deployment.local.injected_faults import ensure_no_faults
from workshop.deployment.local.up import lambda_hash, up
from workshop.deployment.stack import CLOUD_VARIABLE, Record, current
from workshop.errors import NoStackError, UsageError, WorkshopError
from workshop.exercises import session, watching
from workshop.exercises.catalogue import Exercise, exercises, find
from workshop.incidents import session as incident_session
from workshop.paths import find_stage_folders
from workshop.progress import record

app = typer.Typer()

LEGEND = (
    "Save a file to check again. Keys: h hint, s the solution beside yours, c check, "
    "n next exercise, r reset, q quit"
)

CHECK_SECONDS = 120
"""The timeout of each test of a check in seconds: more means that the learner's code never ends."""


class Action(StrEnum):
    """What to do with an exercise."""

    SHOW = "show"
    START = "start"
    CHECK = "check"
    HINT = "hint"
    SOLVE = "solve"
    RESET = "reset"
    CONTINUE = "continue"
    WATCH = "watch"


@app.command()
def exercise(
    number: Annotated[
        str | None,
        typer.Argument(help="The exercise, such as 03.1; list, or nothing, lists all."),
    ] = None,
    action: Annotated[
        Action,
        typer.Argument(
            help="show: show the task; start: break the code; check: show what is still wrong; "
            "hint: show the next of three hints; solve: show and apply a solution; reset: restore "
            "your files. Solve and reset stash your attempt; continue: start again with it. "
            "watch: check after each save."
        ),
    ] = Action.SHOW,
) -> None:
    """Fix something that is broken, in your own working copy."""
    if number in {None, "list"}:
        _list()
        return
    chosen = find(number)
    match action:
        case Action.SHOW:
            _show(chosen)
        case Action.START:
            _start(chosen)
        case Action.CHECK:
            _check(chosen)
        case Action.HINT:
            _hint(chosen)
        case Action.SOLVE:
            _solve(chosen)
        case Action.RESET:
            _reset(chosen)
        case Action.CONTINUE:
            _continue(chosen)
        case Action.WATCH:
            _watch(chosen)


def _list() -> None:
    solved, active = record.load().exercises, session.under_way()
    for each in exercises():
        state = "✓" if each.number in solved else "·"
        if each.number == active:
            state = "not reset" if session.is_solved() else "under way"
        out.print(f"{each.number}  {state:9}  {each.title}", markup=False)
    out.print('Show one: make exercise ARGS="01.1"', markup=False)


def _show(chosen: Exercise) -> None:
    out.print(f"{chosen.number} {chosen.title}\n", style="bold", markup=False)
    out.print(chosen.task, markup=False, soft_wrap=True)
    if session.under_way() != chosen.number:
        out.print(f'\nStart it: make exercise ARGS="{chosen.number} start"', markup=False)


def _start(chosen: Exercise) -> None:
    changed = session.start(chosen)
    record.clear_attempt(chosen.number)
    _show(chosen)
    out.print(f"\nLook here first: {', '.join(changed)}", markup=False)
    out.print(
        f'Then: make exercise ARGS="{chosen.number} check", or "{chosen.number} hint". '
        f'"{chosen.number} reset" restores your files.',
        markup=False,
        soft_wrap=True,
    )


def _continue(chosen: Exercise) -> None:
    restored = session.resume(chosen)
    record.clear_attempt(chosen.number)
    out.print(f"Your attempt is back: {', '.join(restored)}", markup=False, soft_wrap=True)
    out.print(f'Then: make exercise ARGS="{chosen.number} check"', markup=False)


def _check(chosen: Exercise) -> None:
    options: tuple[str, ...] = (f"--timeout={CHECK_SECONDS}",)
    if chosen.needs_stack:
        _prepare_stack(chosen)
        options = ("-m", "deployed")
    report = check_report.run([chosen.check], *options)
    if session.under_way() == chosen.number:
        record.exercise_result(chosen.number, report.summary)
    if report.failed:
        raise typer.Exit(1)
    if session.under_way() != chosen.number:
        say(f'The exercise is not under way: make exercise ARGS="{chosen.number} start"')
        return
    session.record_solution()
    record.passed_exercise(chosen.number)
    out.print(f"Exercise {chosen.number} is solved.", style="green", markup=False)
    out.print(
        f'To restore your files, now or later: make exercise ARGS="{chosen.number} reset"',
        markup=False,
        soft_wrap=True,
    )


def _prepare_stack(chosen: Exercise) -> None:
    """Prepare the stack for a check that runs there; deploy the working copy if that is needed."""
    stage = _deployed()
    if stage < chosen.stage:
        raise WorkshopError(
            f"This exercise is checked on your stack. First run: make up STAGE={chosen.stage}"
        )
    stack = current()
    if not stack.target.own:
        raise UsageError("Exercises are checked on a local cloud only, never in an account.")
    if reminder := incident_session.reminder(stack.target.name):
        raise UsageError(reminder)
    if chosen.deploys:
        say("Your working copy is deployed first, as with make up.")
        up(stage=stage, name=stack.target.name)
        stack = current()
    ensure_no_faults(stack)
    os.environ.update(stack.target.environment() | {CLOUD_VARIABLE: stack.target.name})


def _deployed() -> int:
    """Return the stage of the stack; 0 if there is no stack."""
    try:
        return current().stage
    except NoStackError:
        return 0


def _hint(chosen: Exercise) -> None:
    session.require(chosen)
    number = record.next_hint(chosen.number, len(chosen.hints))
    text = " ".join(chosen.hints[number].split())  # one line: the terminal has its own width
    out.print(f"Hint {number + 1} of {len(chosen.hints)}: {text}", markup=False)
    if number + 1 == len(chosen.hints):
        say(f'This was the last hint. For a solution: make exercise ARGS="{chosen.number} solve"')


def _solve(chosen: Exercise) -> None:
    shown = session.solve(chosen, colour=out.is_terminal)
    if not shown:
        out.print("Your working copy is the solution already.")
        return
    out.file.write(shown)
    out.print(
        f'The solution is applied. Check it: make exercise ARGS="{chosen.number} check"',
        markup=False,
        soft_wrap=True,
    )


def _reset(chosen: Exercise) -> None:
    session.reset(chosen)
    record.clear_attempt(chosen.number)
    out.print(
        f"Exercise {chosen.number} is reset: its files are as in your last commit.", markup=False
    )
    if (stage := _deployed()) and (chosen.deploys or not _runs_the_files()):
        if stage > len(find_stage_folders()):  # the exercise had added one
            stage = chosen.stage
        say(
            f"The stack still runs the exercise's code. To deploy your files: make up STAGE={stage}"
        )


def _watch(chosen: Exercise) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            f'Watching needs a terminal. Check once: make exercise ARGS="{chosen.number} check"'
        )
    if session.under_way() == chosen.number:
        _show(chosen)
    else:
        _start(chosen)
    key = ""
    while key not in {watching.RESET, watching.QUIT}:
        key = watching.watch(
            [sys.executable, "-m", "workshop", "exercise", chosen.number, "check"],
            watching.places_of(chosen, session.require(chosen).files),
            {"h": partial(_hint, chosen), "s": partial(_compare, chosen)},
            legend=LEGEND,
            deploys=chosen.deploys,
        )
        if key == watching.NEXT:
            chosen = _next(chosen)
    if key == watching.RESET:
        _reset(chosen)


def _next(chosen: Exercise) -> Exercise:
    """Reset an exercise and start the next one; return it."""
    later = [each for each in exercises() if each.number > chosen.number]
    if not later:
        say("This is the last exercise.")
        return chosen
    _reset(chosen)
    _start(later[0])
    return later[0]


def _compare(chosen: Exercise) -> None:
    shown = session.compare(chosen, colour=out.is_terminal)
    out.file.write(shown or "Your files are the solution.\n")
    out.file.flush()


def _runs_the_files() -> bool:
    """Return whether the functions of the stack run the code of the working copy."""
    record = Record.load(current().target.directory)
    return record is None or record.bundles == {
        each.package: lambda_hash(each.path) for each in bundles.build()
    }
