"""Verbs for what failed: dead letters, the way back, and the payment gateway's switch."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from workshop.console import SignOfLife, out, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.release import gateway_switch as payment_gateway
from workshop.deployment.stack import current
from workshop.errors import UsageError, WorkshopError
from workshop.recovery import dead_letter_view, dead_letters
from workshop.recovery import reconcile as reconciling
from workshop.recovery.dead_letters import (
    EVERYTHING,
    Attempt,
    DeadLetter,
    DeadLetters,
    Result,
    Wanted,
)

app = typer.Typer()

SLOWEST = 0.01
"""Messages a second, at least: slower, and nobody would wait for it."""

Order = Annotated[str | None, typer.Option(help="Only those of this order.")]
Consumer = Annotated[str | None, typer.Option(help="Only those of this function, such as payment.")]
Error = Annotated[
    str | None, typer.Option(help="Only those with this error, such as UnknownSkuError.")
]


def _rate(text: str) -> float:
    """The number that an option gives.

    Raises:
        UsageError: It is no rate.
    """
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (math.isfinite(rate) and rate >= SLOWEST):
        raise UsageError(
            f"A rate is a number of messages a second from {SLOWEST:g}: {text!r} is not."
        )
    return rate


def _wanted(order: str | None, consumer: str | None, error: str | None, id_: str | None) -> Wanted:
    """The letters that options name.

    Raises:
        UsageError: An option is there, but blank: a variable was not set, and all would be meant.
    """
    if any(given is not None and not given.strip() for given in (order, consumer, error, id_)):
        raise UsageError("An option is empty: leave it out, or say what is meant.")
    return Wanted(order_id=order, consumer=consumer, error=error, message_id=id_)


@app.command()
def dlq(
    message: Annotated[
        str | None,
        typer.Argument(help="Show this one whole: its id, or the beginning of it."),
    ] = None,
    order: Order = None,
    consumer: Consumer = None,
    error: Error = None,
    *,
    discard: Annotated[
        bool, typer.Option("--discard", help="Show this one a last time, and delete it.")
    ] = False,
) -> None:
    """List what lies in the dead-letter queues, oldest first: what failed, where and why.

    Looking changes nothing, but for a second or two no other command sees them.
    """
    if discard and not message:
        raise UsageError("Say which message is to be deleted: make dlq ARGS='4f2a --discard'")
    wanted = _wanted(order, consumer, error, message)
    letters = dead_letters.of(current(), consumer)
    with aws_errors():
        _tell_held(letters)
        found = dead_letters.look(letters.queues, wanted)
    now = datetime.now(UTC)
    if message is not None:
        letter = _the_one(found, message)
        for line in dead_letter_view.whole(letter, now=now):
            out.print(line, markup=False, soft_wrap=True)
        if discard:
            _discard(letters, letter)
        return
    if found:
        order_of = ", the oldest first" if len(found) > 1 else ""
        out.print(f"{_count(len(found), 'dead letter')}{order_of}:\n")
        for text in dead_letter_view.listed(found, now=now, width=out.width):
            out.print(text)
    else:
        out.print(_none(wanted))
    if ours := [letter for letter in found if not letter.foreign]:
        them = "it" if len(ours) == 1 else "them"
        say(f"\nOnce the cause is removed, bring {them} back: make redrive")
        say(f"See one whole: make dlq ARGS={ours[0].message_id[: dead_letter_view.SHORT]}")


@app.command()
def redrive(
    order: Order = None,
    consumer: Consumer = None,
    error: Error = None,
    message: Annotated[
        str | None, typer.Option(help="Only this one: its id, or the beginning of it.")
    ] = None,
    rate: Annotated[
        float,
        typer.Option(parser=_rate, metavar="NUMBER", help="Messages a second at most."),
    ] = 10.0,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be redriven.")
    ] = False,
) -> None:
    """Hand dead letters to the functions that failed on them, the oldest first.

    Only the function that failed gets its event again. A message is deleted
    when the function has accepted it, and stays in its queue otherwise.
    """
    wanted = _wanted(order, consumer, error, message)
    letters = dead_letters.of(current(), consumer)
    with aws_errors():
        waiting = _tell_held(letters)
        if dry_run:
            _show_dry_run(dead_letters.look(letters.queues, wanted), wanted, rate)
        else:
            _redrive(letters, wanted, rate, waiting if wanted == EVERYTHING else None)


@app.command()
def reconcile(
    older_than: Annotated[
        int,
        typer.Option(
            min=0,
            max=reconciling.LONGEST,
            metavar="SECONDS",
            help="Only orders placed longer ago than this.",
        ),
    ] = reconciling.OLDER_THAN,
    order: Annotated[str | None, typer.Option(help="Only this one, however young.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many at most; default: as many as by itself.")
    ] = None,
) -> None:
    """Announce orders again that stand still: each step repeats what it stored, and goes on.

    The same function runs every few minutes by itself, for orders older than
    900 s: by then Lambda has tried three times, which takes it three minutes.
    --older-than 0 takes all that are open: what is under way is not doubled.
    """
    with SignOfLife("Looking for orders that stand still …") as sign:
        sign.now()
        report = reconciling.reconcile(current(), older_than, limit, order)
    if order:
        _tell_one(order, report)
        return
    if not report.stuck:
        out.print(f"No order that is older than {older_than} s stands still.")
        if older_than:
            say('To take all that are open: make reconcile ARGS="--older-than 0"')
        return
    stand = "order stands" if report.stuck == 1 else "orders stand"
    out.print(f"{report.stuck} {stand} still for more than {older_than} s:")
    for number, what in (
        (report.announced, "announced again (which ones: make logs ARGS=reconciler)"),
        (report.left_over, "left over: make reconcile again"),
        (report.without_event, "without an OrderCreated to announce: make logs ARGS=reconciler"),
        (report.failed, "could not be announced: make logs ARGS=reconciler"),
    ):
        if number:
            out.print(f"  {number} {what}", soft_wrap=True)


def _tell_one(order: str, report: reconciling.Report) -> None:
    """Say what became of one order.

    Raises:
        WorkshopError: It could not be announced.
    """
    if report.announced:
        out.print(f"Announced again: make follow ORDER={order}", markup=False, soft_wrap=True)
    elif report.stuck:
        raise WorkshopError(
            f"It could not be announced: make logs ARGS='reconciler --order {order}'"
        )
    else:
        out.print("Nothing to announce: the order has reached its end, or there is none such.")


@app.command()
def gateway(
    position: Annotated[
        str | None, typer.Argument(metavar="up|down", help="Default: only say how it is.")
    ] = None,
) -> None:
    """Switch the simulated payment gateway off and on: an outage that no retry outlasts."""
    if position not in {None, "up", "down"}:
        raise UsageError(f"The gateway is switched up or down, not {position}.")
    stack = current()
    with aws_errors():
        if position is not None:
            payment_gateway.switch(stack, up=position == "up")
        state = payment_gateway.state(stack)
    for key, answers in state.items():
        out.print(f"{key:<15} {'the gateway answers' if answers else 'the gateway is down'}")
    if not all(state.values()):
        again = "make up" if stack.target.own else "make deploy"
        say(f"Up again with: make gateway ARGS=up (the next `{again}` does it, too)")


def _discard(letters: DeadLetters, letter: DeadLetter) -> None:
    """Delete a letter that has just been shown.

    Raises:
        WorkshopError: Another command holds it.
    """
    with aws_errors():
        deleted = dead_letters.discard(letters.queues, letter.message_id)
    if not deleted:
        raise WorkshopError("Another command holds it just now: it was not deleted. Try again.")
    say("Deleted: what stands above is all that is left of it.")


def _redrive(letters: DeadLetters, wanted: Wanted, rate: float, total: int | None) -> None:
    """Redrive, and show each attempt as it happens."""
    counts: Counter[Result] = Counter()
    try:
        with letters.redriven(wanted, rate) as attempts:
            for attempt in _with_progress(attempts, total):
                counts[attempt.result] += 1
                for line in dead_letter_view.attempted(attempt, width=out.width):
                    out.print(line)
    except KeyboardInterrupt:
        say(f"Until here: {dead_letter_view.summary(counts)}. What was held is back in its queue.")
        raise
    if not counts:
        out.print(_none(wanted))
        return
    out.print(dead_letter_view.summary(counts))
    if failed := counts[Result.FAILED_AGAIN]:
        them = "it is" if failed == 1 else "they are"
        raise WorkshopError(
            f"{_count(failed, 'message')} failed again, for the reason above: {them} still in the "
            "queue. Remove the cause, then: make redrive"
        )


def _with_progress(attempts: Iterator[Attempt], total: int | None) -> Iterator[Attempt]:
    """Pass attempts on, and tell between them how far it is."""
    of_all = f" of about {total}" if total else ""
    with SignOfLife("Looking through the queues …") as sign:
        sign.now()
        for number, attempt in enumerate(attempts, 1):
            sign.over()
            yield attempt
            sign.now(f"{number}{of_all} tried …")


def _show_dry_run(found: list[DeadLetter], wanted: Wanted, rate: float) -> None:
    """Show what a redrive would take."""
    if not found:
        out.print(_none(wanted))
        return
    for line in dead_letter_view.listed(found, now=datetime.now(UTC), width=out.width):
        out.print(line)
    ours = sum(not letter.foreign for letter in found)
    out.print(f"\nDry run: {ours} would be redriven, at most {rate:g} a second.")


def _the_one(found: list[DeadLetter], beginning: str) -> DeadLetter:
    """The only letter there is with such an id.

    Raises:
        WorkshopError: There is none, or more than one.
    """
    if not found:
        raise WorkshopError(f"No dead letter's id begins with {beginning}. All there are: make dlq")
    if len(found) > 1:
        ids = ", ".join(letter.message_id for letter in found[:3])
        more = ", …" if len(found) > 3 else ""
        raise WorkshopError(
            f"{len(found)} dead letters' ids begin with {beginning}: say more of it ({ids}{more})."
        )
    return found[0]


def _none(wanted: Wanted) -> str:
    return "No dead letters." if wanted == EVERYTHING else "No such dead letters."


def _tell_held(letters: DeadLetters) -> int:
    """Say how many letters another command holds; return how many wait for this one."""
    waiting = letters.queues.waiting().values()
    if held := sum(each.held for each in waiting):
        are = "is" if held == 1 else "are"
        say(
            f"{_count(held, 'dead letter')} {are} out of sight, held by another command just now. "
            "If that was killed, they come back by themselves within two minutes."
        )
    return sum(each.visible for each in waiting)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
