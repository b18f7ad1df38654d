"""The exercises: something broken to fix, with a check, three hints and a reset."""

import os
from enum import StrEnum
from typing import Annotated

import typer

from workshop import check_report
from workshop.console import out, say
from workshop.deployment.local.injected_faults import nothing_is_wrong
from workshop.deployment.local.up import up
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.exercises import session
from workshop.exercises.catalogue import Exercise, exercises, find
from workshop.progress import record

app = typer.Typer()


class Action(StrEnum):
    """What to do with an exercise."""

    SHOW = "show"
    START = "start"
    CHECK = "check"
    HINT = "hint"
    SOLVE = "solve"
    RESET = "reset"


@app.command()
def exercise(
    number: Annotated[
        str | None, typer.Argument(help="Which, such as 03.1; default: list them all.")
    ] = None,
    action: Annotated[
        Action,
        typer.Argument(
            help="show the task; start: put the broken start in place; check: what is still "
            "wrong; hint: the next of three; solve: put a solution in place; reset: bring "
            "your files back. Solve and reset stash your attempt."
        ),
    ] = Action.SHOW,
) -> None:
    """Fix something that is broken on purpose, in your own working copy."""
    if number is None:
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


def _list() -> None:
    solved, at_work = record.load().exercises, session.under_way()
    for each in exercises():
        state = "under way" if each.number == at_work else "✓" if each.number in solved else "·"
        out.print(f"{each.number}  {state:9}  {each.title}", markup=False)
    out.print('One of them: make exercise ARGS="01.1"', markup=False)


def _show(chosen: Exercise) -> None:
    out.print(f"{chosen.number} {chosen.title}\n", style="bold", markup=False)
    out.print(chosen.task, markup=False, soft_wrap=True)
    if session.under_way() != chosen.number:
        out.print(f'\nPut it in place: make exercise ARGS="{chosen.number} start"', markup=False)


def _start(chosen: Exercise) -> None:
    changed = session.start(chosen)
    record.forget_hints(chosen.number)
    _show(chosen)
    out.print(f"\nLook for it in: {', '.join(changed)}", markup=False)
    out.print(
        f'Then: make exercise ARGS="{chosen.number} check", or "{chosen.number} hint". '
        f'"{chosen.number} reset" brings your files back.',
        markup=False,
        soft_wrap=True,
    )


def _check(chosen: Exercise) -> None:
    options = [str(chosen.check)]
    if chosen.needs_stack:
        _deploy(chosen)
        options = ["-m", "deployed", *options]
    report = check_report.run(*options)
    if report.failed:
        raise typer.Exit(1)
    if session.under_way() != chosen.number:
        say(f'The exercise is not under way: make exercise ARGS="{chosen.number} start"')
        return
    record.passed_exercise(chosen.number)
    out.print(f"Exercise {chosen.number} is solved.", style="green", markup=False)
    out.print(f'Put your files back: make exercise ARGS="{chosen.number} reset"', markup=False)


def _deploy(chosen: Exercise) -> None:
    """Bring what lies in the working copy to the learner's stack, which is to judge it."""
    stage = _deployed()
    if stage < chosen.stage:
        raise WorkshopError(
            f"This exercise is judged on your stack: make up STAGE={chosen.stage}, then again."
        )
    say("Your working copy is deployed first, as make up does.")
    stack = current()
    if not stack.target.own:
        raise UsageError("Exercises are judged on a local cloud, never in an account.")
    up(stage=stage, name=stack.target.name)
    stack = current()
    nothing_is_wrong(stack)
    os.environ.update(stack.target.environment() | {CLOUD_VARIABLE: stack.target.name})


def _deployed() -> int:
    """The stage that the stack is at; 0: there is none."""
    try:
        return current().stage
    except EXPECTED:
        return 0


def _hint(chosen: Exercise) -> None:
    session.require(chosen)
    number = record.next_hint(chosen.number, len(chosen.hints))
    out.print(f"Hint {number + 1} of {len(chosen.hints)}: {chosen.hints[number]}", markup=False)
    if number + 1 == len(chosen.hints):
        say(f'It was the last. A solution: make exercise ARGS="{chosen.number} solve"')


def _solve(chosen: Exercise) -> None:
    shown = session.solve(chosen, colour=out.is_terminal)
    if not shown:
        out.print("Your working copy is the solution already.")
        return
    out.file.write(shown)
    out.print(
        f'The solution is in place. See that it works: make exercise ARGS="{chosen.number} check"',
        markup=False,
        soft_wrap=True,
    )


def _reset(chosen: Exercise) -> None:
    session.reset(chosen)
    record.forget_hints(chosen.number)
    out.print(
        f"Exercise {chosen.number} is reset: its files are as in your last commit.", markup=False
    )
    if chosen.needs_stack and (stage := _deployed()):
        say(f"What is deployed is still what you checked last: make up STAGE={stage}")
