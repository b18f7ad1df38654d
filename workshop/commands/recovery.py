"""Commands for what failed: dead letters, their recovery, and the payment gateway's switch."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from workshop.console import Spinner, out, print_table, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.release import gateway_switch as payment_gateway
from workshop.deployment.stack import Stack, current
from workshop.errors import UsageError, WorkshopError
from workshop.orders import arguments
from workshop.recovery import dead_letter_view, dead_letters, discarding
from workshop.recovery import reconcile as reconciling
from workshop.recovery.dead_letters import (
    EVERYTHING,
    Attempt,
    DeadLetter,
    DeadLetters,
    Filter,
    Result,
)

app = typer.Typer()

SLOWEST = 0.01
"""Messages a second at least: a slower redrive would hardly ever end."""

Order = Annotated[
    str | None,
    typer.Option(parser=arguments.order_id, metavar="ORDER", help="Only those of this order."),
]
Consumer = Annotated[str | None, typer.Option(help="Only those of this function, such as payment.")]
Error = Annotated[
    str | None, typer.Option(help="Only those with this error, such as UnknownSkuError.")
]


def _rate(text: str) -> float:
    """Return the rate that an option gives.

    Raises:
        UsageError: The text is no rate.
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


def _wanted(order: str | None, consumer: str | None, error: str | None, id_: str | None) -> Filter:
    """Return the filter that options describe.

    Raises:
        UsageError: An option is empty: a shell variable was not set, and all would match.
    """
    if any(given is not None and not given.strip() for given in (order, consumer, error, id_)):
        raise UsageError("An option is empty. Leave it out, or give it a value.")
    return Filter(order_id=order, consumer=consumer, error=error, message_id=id_)


@app.command()
def dlq(
    message: Annotated[
        str | None,
        typer.Argument(help="Show this message in full: its id, or the beginning of its id."),
    ] = None,
    order: Order = None,
    consumer: Consumer = None,
    error: Error = None,
    *,
    discard: Annotated[
        bool, typer.Option("--discard", help="Show the message a last time, and delete it.")
    ] = False,
) -> None:
    """List the dead letters, the oldest first: what failed, where and why.

    Listing changes nothing. For a second or two, no other command can receive the messages.
    """
    if discard and not message:
        raise UsageError("--discard needs the message to delete: make dlq ARGS='4f2a --discard'")
    wanted = _wanted(order, consumer, error, message)
    stack = current()
    with aws_errors():
        absent = dead_letters.missing_queues(stack, consumer)
        dlqs = dead_letters.of(stack, consumer, without=absent)
        _report_held(dlqs)
        found = dead_letters.look(dlqs.queues, wanted)
    _show(stack, dlqs, found, wanted, discard=discard)
    if absent:
        raise WorkshopError(dead_letter_view.not_shown(stack, absent))


def _show(
    stack: Stack, dlqs: DeadLetters, found: list[DeadLetter], wanted: Filter, *, discard: bool
) -> None:
    """Show the dead letters that were found: one in full if an id was given, else a list."""
    now = datetime.now(UTC)
    message = wanted.message_id
    if message is not None:
        dead_letter = _the_one(found, message)
        for line in dead_letter_view.details(dead_letter, now=now):
            out.print(line, markup=False, soft_wrap=True)
        if discard:
            _discard(stack, dlqs, dead_letter)
        return
    if found:
        order_of = ", the oldest first" if len(found) > 1 else ""
        out.print(f"{dead_letter_view.count(len(found), 'dead letter')}{order_of}:\n")
        for text in dead_letter_view.listed(found, now=now, width=out.width):
            out.print(text)
    else:
        out.print(_none(wanted))
    if ours := [dead_letter for dead_letter in found if not dead_letter.unrecognised]:
        them = "it" if len(ours) == 1 else "them"
        say(f"\nRemove the cause, then redrive {them}: make redrive")
        say(f"Show one in full: make dlq ARGS={ours[0].message_id[: dead_letter_view.SHORT]}")


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
    """Invoke the functions that failed with their dead letters, the oldest first.

    Only the function that failed receives its event again. A message is deleted
    when the function has succeeded, and stays in its queue otherwise.
    """
    wanted = _wanted(order, consumer, error, message)
    dlqs = dead_letters.of(current(), consumer)
    with aws_errors():
        waiting = _report_held(dlqs)
        if dry_run:
            _show_dry_run(dead_letters.look(dlqs.queues, wanted), wanted, rate)
        else:
            _redrive(dlqs, wanted, rate, waiting if wanted == EVERYTHING else None)


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
    order: Annotated[
        str | None,
        typer.Option(
            parser=arguments.order_id, metavar="ORDER", help="Only this one, however young."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, max=arguments.MOST, help="How many at most; default: as many as a scheduled run."
        ),
    ] = None,
) -> None:
    """Re-publish OrderCreated for stalled orders: each step re-publishes its stored outcome.

    The same function runs every five minutes, for orders older than 900 s: by
    then Lambda has tried three times, which takes three minutes. --older-than 0
    takes all open orders; for one that is not stalled, nothing happens twice.
    """
    with Spinner("Looking for stalled orders …") as spinner:
        spinner.now()
        report = reconciling.reconcile(current(), older_than, limit, order)
    if order:
        _report_one(order, report)
        return
    if not report.stuck:
        out.print(f"No open order is older than {older_than} s.")
        if older_than:
            say('To take all that are open: make reconcile ARGS="--older-than 0"')
        return
    are = "order is" if report.stuck == 1 else "orders are"
    out.print(f"{report.stuck} open {are} older than {older_than} s:\n")
    print_table(reconciling.table(report))
    if (rest := report.stuck - len(report.orders)) > 0:
        out.print(f"… and {rest} more")
    out.print()
    for number, what in (
        (report.republished, "re-published; to see what happens to one: make follow ORDER=…"),
        (report.left_over, "not this time: make reconcile again"),
        (
            report.without_event,
            "without an OrderCreated to publish: make replay",
        ),
        (report.failed, "could not be published: make logs ARGS=reconciler"),
    ):
        if number:
            out.print(f"{number} {what}", soft_wrap=True)


def _report_one(order: str, report: reconciling.Report) -> None:
    """Say what the reconciler did with one order.

    Raises:
        WorkshopError: Its event could not be published.
    """
    if report.republished:
        out.print(f"Re-published: make follow ORDER={order}", markup=False, soft_wrap=True)
    elif report.stuck:
        raise WorkshopError(
            f"Its event could not be published: make logs ARGS='reconciler --order {order}'"
        )
    else:
        out.print("Nothing to re-publish: the order is not open, or there is no such order.")


@app.command()
def gateway(
    position: Annotated[
        str | None, typer.Argument(metavar="up|down", help="Default: only show its state.")
    ] = None,
) -> None:
    """Switch the simulated payment gateway off and on: an outage longer than all retries."""
    if position not in {None, "up", "down"}:
        raise UsageError(f"The gateway can be up or down, not {position}.")
    stack = current()
    with aws_errors():
        if position is not None:
            payment_gateway.switch(stack, up=position == "up")
        state = payment_gateway.state(stack)
    for key, answers in state.items():
        out.print(f"{key:<15} {'the gateway answers' if answers else 'the gateway is down'}")
    if not all(state.values()):
        again = "make up" if stack.target.own else "make deploy"
        say(f"Switch it on with: make gateway ARGS=up (the next `{again}` also does)")


def _discard(stack: Stack, dlqs: DeadLetters, dead_letter: DeadLetter) -> None:
    """Delete a dead letter that has just been shown, and say what follows for its order.

    Raises:
        WorkshopError: Another command has received it.
    """
    with aws_errors():
        discarding.delete(dlqs.queues, dead_letter.message_id)
    say("Deleted. The output above is the only copy.")
    with aws_errors():
        if follows := discarding.consequence(stack, dead_letter, datetime.now(UTC)):
            say(follows)


def _redrive(dlqs: DeadLetters, wanted: Filter, rate: float, total: int | None) -> None:
    """Redrive, and show each attempt as it happens."""
    counts: Counter[Result] = Counter()
    try:
        with dlqs.redriven(wanted, rate) as attempts:
            for attempt in _with_progress(attempts, total):
                counts[attempt.result] += 1
                for line in dead_letter_view.attempted(attempt, width=out.width):
                    out.print(line)
    except KeyboardInterrupt:
        say(f"Interrupted: {dead_letter_view.summary(counts)}. All other messages are released.")
        raise
    if not counts:
        out.print(_none(wanted))
        return
    out.print(dead_letter_view.summary(counts))
    if failed := counts[Result.FAILED_AGAIN]:
        them = "it is" if failed == 1 else "they are"
        raise WorkshopError(
            f"{dead_letter_view.count(failed, 'message')} failed again, for the reason above: "
            f"{them} still in the queue. Remove the cause, then: make redrive. To delete a message "
            "that can never succeed: make dlq ARGS='ID --discard'"
        )


def _with_progress(attempts: Iterator[Attempt], total: int | None) -> Iterator[Attempt]:
    """Pass attempts on, and show the progress between them."""
    of_all = f" of about {total}" if total else ""
    with Spinner("Receiving messages from the queues …") as spinner:
        spinner.now()
        for number, attempt in enumerate(attempts, 1):
            spinner.over()
            yield attempt
            spinner.now(f"{number}{of_all} tried …")


def _show_dry_run(found: list[DeadLetter], wanted: Filter, rate: float) -> None:
    """Show which dead letters a redrive would send."""
    if not found:
        out.print(_none(wanted))
        return
    for line in dead_letter_view.listed(found, now=datetime.now(UTC), width=out.width):
        out.print(line)
    ours = sum(not dead_letter.unrecognised for dead_letter in found)
    out.print(f"\nDry run: {ours} would be redriven, at most {rate:g} a second.")


def _the_one(found: list[DeadLetter], beginning: str) -> DeadLetter:
    """Return the only dead letter with such an id.

    Raises:
        WorkshopError: There is none, or more than one.
    """
    if not found:
        raise WorkshopError(f"No dead letter's id begins with {beginning}. To list them: make dlq")
    if len(found) > 1:
        ids = ", ".join(dead_letter.message_id for dead_letter in found[:3])
        more = ", …" if len(found) > 3 else ""
        raise WorkshopError(
            f"{len(found)} dead letters' ids begin with {beginning}. "
            f"Give more characters: {ids}{more}."
        )
    return found[0]


def _none(wanted: Filter) -> str:
    return "No dead letters." if wanted == EVERYTHING else "No such dead letters."


def _report_held(dlqs: DeadLetters) -> int:
    """Say how many messages another command has received; return how many are visible."""
    waiting = dlqs.queues.waiting().values()
    if held := dead_letter_view.held(sum(each.held for each in waiting)):
        say(held)
    return sum(each.visible for each in waiting)
