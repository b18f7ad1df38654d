"""Commands that look into a stack."""

import time
from contextlib import suppress
from typing import Annotated

import typer
from rich.table import Table

from local_cloud.delivery.delivery_log import Outcome
from workshop.board import process
from workshop.console import out, print_table, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.local.injected_faults import describe, switch
from workshop.deployment.stack import Stack, cloud_name, current, function_name
from workshop.deployment.stack_parts import Parts, counted
from workshop.errors import WorkshopError
from workshop.journeys.logs import POLL_SECONDS_IN_ACCOUNT, logged_since
from workshop.orders import arguments
from workshop.orders.function_logs import LogLine, ThrottledError, as_written, read, readable

app = typer.Typer()

LATE_SECONDS = 120.0
"""How long a log line may take to be found, while `logs --follow` looks for new ones."""
MINUTES = 10
"""How far `logs` goes back by default."""
LONGEST = 10 * 366 * 24 * 60
"""Minutes that `logs` goes back at most: ten years, which CloudWatch Logs keeps nothing beyond."""

OUTCOMES = {
    Outcome.DELIVERED: "delivered",
    Outcome.FAILED: "failed attempts: raised, timed out or died",
    Outcome.THROTTLED: "throttled: no execution was free",
    Outcome.REFUSED: "refused: EventBridge tries again",
    Outcome.DEAD_LETTERED: "put in a dead-letter queue, so far",
    Outcome.DROPPED: "lost: given up after the last try, or injected",
    Outcome.KILLED: "killed before publishing (injected)",
    Outcome.DUPLICATED: "duplicated (injected)",
    Outcome.DELAYED: "delayed (injected)",
    Outcome.REORDERED: "held back (injected)",
}
"""What the local cloud counts, in words."""


@app.command()
def status() -> None:
    """Show the stack: where it is, its functions, what its tables and queues hold."""
    stack = current()
    where = stack.target.endpoint_url or f"account {stack.target.account}"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("stage", str(stack.stage))
    table.add_row("cloud", f"{where} ({stack.target.region})")
    table.add_row("api", stack.outputs.api_endpoint)
    parts = Parts(stack)
    with aws_errors():
        for label, value in parts.rows():
            table.add_row(label, value)
    if stack.target.own:
        for label, value in _local_cloud(stack):
            table.add_row(label, value)
    if (board := process.running(cloud_name())) is not None:
        # Without the token: people paste this table into issues.
        table.add_row("board", f"{board.site} (`make board` prints the address with its token)")
    print_table(table)
    if parts.missing:
        again = f"make up STAGE={stack.stage}" if stack.target.own else "make deploy"
        raise WorkshopError(
            f"The stack is not whole: {', '.join(parts.missing)}. Recreate it with: {again}"
        )


@app.command()
def logs(
    function: Annotated[
        str | None, typer.Argument(help="A function's key, such as payment; default: all of them.")
    ] = None,
    minutes: Annotated[
        int | None,
        typer.Option(
            min=1, max=LONGEST, help="How far back; default: 10, or since the order was placed."
        ),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            parser=arguments.order_id, metavar="ORDER", help="Only what is about this order."
        ),
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Everything, as it was written.")] = False,
    cloud: Annotated[bool, typer.Option("--cloud", help="The local cloud's own log.")] = False,
) -> None:
    """Show what the functions logged, oldest first: time, function, level, what, order, step.

    Frames of installed packages are left out of tracebacks; --raw shows them.
    """
    stack = current()
    if cloud:
        path = stack.target.directory / "cloud.log"
        lines = path.read_text("utf-8", errors="replace").splitlines()[-200:]
        out.print("\n".join(lines), markup=False, soft_wrap=True)
        return
    keys = [function] if function else list(stack.outputs.function_names)
    names = {key: function_name(stack, key) for key in keys}
    start, period = _start(stack, order, minutes)
    since = dict.fromkeys(names, start)
    seen: set[LogLine] = set()
    waiting = set(names)
    while waiting:
        found = []
        for key in [each for each in names if each in waiting]:
            now = time.time()
            with suppress(ThrottledError):  # the next round has it
                found += read(stack, key, names[key], int(since[key] * 1000), order)
                since[key] = max(since[key], now - LATE_SECONDS)
                waiting -= set() if follow else {key}
        fresh = [line for line in found if line not in seen]
        for text in as_written(fresh) if raw else readable(fresh):
            out.print(text, markup=False, soft_wrap=True)
        seen.update(fresh)
        if waiting:
            time.sleep(1 if stack.target.own else POLL_SECONDS_IN_ACCOUNT)
    if not seen:
        about = f" about {order}" if order else ""
        say(f"Nothing was logged{about} {period}.")


def _start(stack: Stack, order: str | None, minutes: int | None) -> tuple[float, str]:
    """Return from when logs are read, in seconds since 1970, and that period in words."""
    if order and minutes is None and (placed := logged_since(stack, order)):
        return placed.timestamp(), "since it was placed"
    minutes = minutes or MINUTES
    return time.time() - 60 * minutes, f"in the last {minutes} minutes"


def _local_cloud(stack: Stack) -> list[tuple[str, str]]:
    """What the local cloud says of itself."""
    control = switch(stack)
    now = control.status()
    totals = [
        (what, now.totals[outcome]) for outcome, what in OUTCOMES.items() if now.totals.get(outcome)
    ]
    waiting = [("queued", now.queued), ("running", now.running), ("to be retried", now.later)]
    return [
        ("deliveries", counted(totals) or "none yet"),
        ("under way", counted(waiting) or "nothing"),
        ("faults", describe(control.faults())),
    ]
