"""The command for incidents: the stack is broken, and the learner finds out why and repairs it."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from workshop.console import Spinner, out, print_table, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import Stack, command, current
from workshop.errors import UsageError, WorkshopError
from workshop.incidents import catalogue, checking, session
from workshop.incidents.session import Phase, Record
from workshop.progress import record as progress

app = typer.Typer()


class Action(StrEnum):
    """What to do with an incident."""

    START = "start"
    LIST = "list"
    HINT = "hint"
    CHECK = "check"
    GIVE_UP = "give-up"
    DEBRIEF = "debrief"


@app.command()
def incident(
    action: Annotated[
        Action,
        typer.Argument(
            help="start: break the stack, or show the incident that is in progress; list: list all "
            "incidents; hint: show the next of three hints; check: show what is not repaired; "
            "give-up: repair the stack, and explain; debrief: explain the last incident again."
        ),
    ] = Action.START,
    seed: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=catalogue.LARGEST_SEED,
            help="Which incident, with which details; default: one that you have not solved.",
        ),
    ] = None,
) -> None:
    """Break the running stack, and let you find out why: customers report the symptom first."""
    if seed is not None and action is not Action.START:
        raise UsageError(f"--seed is for a start: make incident ARGS='--seed {seed}'")
    if action is Action.LIST:
        _list()
        return
    stack = current()
    session.ensure_local(stack)
    with aws_errors(), session.changing(stack):
        match action:
            case Action.START:
                _start(stack, seed)
            case Action.HINT:
                _hint(stack)
            case Action.CHECK:
                _check(stack)
            case Action.GIVE_UP:
                _give_up(stack)
            case Action.DEBRIEF:
                _debrief(stack)


def _list() -> None:
    solved = progress.load().incidents
    for name, title in catalogue.titles().items():
        out.print(f"{'✓' if name in solved else '·'} {title}", markup=False)
    out.print("Start one that you have not solved: make incident", markup=False)


def _start(stack: Stack, seed: int | None) -> None:
    active = session.load(stack.target.name)
    if active and active.is_active and seed in {None, active.seed}:
        _ensure_started(stack, active)
        _show(stack, active)
        return
    say("The stack is being broken. This takes some seconds …")
    _show(stack, session.start(stack, seed or catalogue.choose(progress.load().incidents)))


def _show(stack: Stack, record: Record) -> None:
    found = record.incident
    out.print(f"Incident {record.seed}: {found.title}\n", style="bold", markup=False)
    out.print(found.symptom, markup=False, soft_wrap=True)
    table = Table("customer", "order", box=None, pad_edge=False, header_style="bold")
    for request, order_id in zip(found.orders, record.orders, strict=False):
        table.add_row(request["customer_id"], order_id)
    out.print()
    print_table(table)
    out.print(
        "\nFind the cause, remove it, and recover the orders. The page docs/incidents.md shows "
        "the tools.",
        markup=False,
        soft_wrap=True,
    )
    actions = {
        "check": "show what is not repaired",
        "hint": "show a hint",
        "give-up": "repair the stack, and explain",
    }
    width = len(_command(stack, max(actions, key=len)))
    for action, what in actions.items():
        line = f"  {_command(stack, action).ljust(width)}  {what}"
        out.print(line, markup=False, soft_wrap=True)


def _hint(stack: Stack) -> None:
    record = _require(stack)
    hints = record.incident.hints
    number = min(record.hints, len(hints) - 1)
    session.save(stack.target.name, replace(record, hints=number + 1))
    out.print(
        f"Hint {number + 1} of {len(hints)}: {hints[number].rstrip()}", markup=False, soft_wrap=True
    )


def _check(stack: Stack) -> None:
    record = _require(stack)
    failed = 0
    with Spinner("An order is placed, and the tables and queues are read …") as spinner:
        spinner.now()
        claims = list(checking.check(stack, record))
    for claim in claims:
        failed += not claim.holds
        sign, colour = ("✓", "green") if claim.holds else ("✗", "red")
        out.print(f"{sign} {claim.text}", style=colour, markup=False, soft_wrap=True)
    if failed:
        say(f"Not repaired yet. A hint: {_command(stack, 'hint')}")
        raise typer.Exit(1)
    record = session.load(stack.target.name) or record
    session.save(stack.target.name, replace(record, phase=Phase.SOLVED))
    progress.solved_incident(record.incident.name)
    out.print("The incident is solved.\n", style="green", markup=False)
    _explain(record)


def _give_up(stack: Stack) -> None:
    record = session.load(stack.target.name)
    if record is None or not record.is_active:
        raise _none(stack)
    with Spinner("The stack is being repaired …") as spinner:
        spinner.now()
        session.give_up(stack, record)
    out.print("The stack is repaired, and the orders are recovered.\n", markup=False)
    _explain(record)


def _debrief(stack: Stack) -> None:
    record = session.load(stack.target.name)
    if record is None:
        raise _none(stack)
    if record.is_active:
        raise UsageError(
            f"The debrief says the cause. First solve the incident ({_command(stack, 'check')}), "
            f"or give up: {_command(stack, 'give-up')}"
        )
    _explain(record)


def _explain(record: Record) -> None:
    out.print(f"Incident {record.seed}: {record.incident.title}\n", style="bold", markup=False)
    out.print(record.incident.debrief, markup=False, soft_wrap=True)


def _require(stack: Stack) -> Record:
    """Return the record of the incident that is in progress.

    Raises:
        WorkshopError: There is none, or its start was interrupted.
    """
    record = session.load(stack.target.name)
    if record is None or not record.is_active:
        raise _none(stack)
    _ensure_started(stack, record)
    return record


def _ensure_started(stack: Stack, record: Record) -> None:
    if record.phase is Phase.STARTING:
        raise WorkshopError(
            "The start of an incident was interrupted, so a part of the stack may be broken. "
            f"To repair it: {_command(stack, 'give-up')}"
        )


def _none(stack: Stack) -> UsageError:
    return UsageError(f"No incident is in progress. To start one: {command(stack, 'incident')}")


def _command(stack: Stack, action: str) -> str:
    return command(stack, f"incident ARGS={action}")
