"""Verbs that look into a stack."""

import time
from typing import Annotated

import typer
from rich.table import Table

from local_cloud.delivery.delivery_log import Outcome
from workshop.console import out, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.local.injected_faults import describe, switch
from workshop.deployment.release import release
from workshop.deployment.stack import Stack, current, function_name
from workshop.orders.function_logs import LogLine, as_written, read, readable

app = typer.Typer()

OUTCOMES = {
    Outcome.DELIVERED: "delivered",
    Outcome.FAILED: "failed attempts: raised, timed out or died",
    Outcome.THROTTLED: "throttled: the function had no room",
    Outcome.REFUSED: "refused by Lambda: EventBridge tries again",
    Outcome.DEAD_LETTERED: "put in a dead-letter queue, so far",
    Outcome.DROPPED: "lost: given up after the last try, or on purpose",
    Outcome.DUPLICATED: "duplicated on purpose",
    Outcome.DELAYED: "delayed on purpose",
    Outcome.REORDERED: "held back on purpose",
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
    table.add_row("event bus", stack.outputs.event_bus_name)
    live = release.versions(stack) if stack.outputs.live_alias else {}
    for key, name in stack.outputs.function_names.items():
        version = f"  version {live[key].version}" if key in live else ""
        table.add_row(f"function {key}", f"{name}{version}")
    for key, name in stack.outputs.table_names.items():
        table.add_row(f"table {key}", f"{name}  {_items(stack, name)}")
    with aws_errors():
        for key, content in _dead_letters(stack):
            table.add_row(f"queue {key}", content)
    if stack.target.own:
        for label, value in _local_cloud(stack):
            table.add_row(label, value)
    out.print(table)


@app.command()
def logs(
    function: Annotated[
        str | None, typer.Argument(help="A function's key, such as payment; default: all of them.")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, help="How far back.")] = 10,
    order: Annotated[str | None, typer.Option(help="Only what is about this order.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Everything, as it was written.")] = False,
    cloud: Annotated[bool, typer.Option("--cloud", help="The local cloud's own log.")] = False,
) -> None:
    """Show what the functions logged, oldest first: time, function, level, what, order, step."""
    stack = current()
    if cloud:
        path = stack.target.directory / "cloud.log"
        lines = path.read_text("utf-8", errors="replace").splitlines()[-200:]
        out.print("\n".join(lines), markup=False, soft_wrap=True)
        return
    keys = [function] if function else list(stack.outputs.function_names)
    names = {key: function_name(stack, key) for key in keys}
    since = int((time.time() - 60 * minutes) * 1000)
    seen: set[LogLine] = set()
    while True:
        found = [
            line for key, name in names.items() for line in read(stack, key, name, since, order)
        ]
        fresh = [line for line in found if line not in seen]
        for text in as_written(fresh) if raw else readable(fresh):
            out.print(text, markup=False, soft_wrap=True)
        seen.update(fresh)
        if not follow:
            break
        time.sleep(1)
    if not seen:
        about = f" about {order}" if order else ""
        say(f"Nothing was logged{about} in the last {minutes} minutes.")


def _items(stack: Stack, table: str) -> str:
    """How many items a table holds; AWS itself counts only every six hours or so."""
    count = stack.client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"]
    about = "" if stack.target.own else "about "
    return f"{about}{count} item{'' if count == 1 else 's'}"


def _dead_letters(stack: Stack) -> list[tuple[str, str]]:
    """What the dead-letter queues hold, consumer by consumer; nothing before stage 5."""
    if not stack.outputs.dead_letter_queue_urls:
        return []
    from workshop.recovery import dead_letters  # noqa: PLC0415 - stage 5's own code

    waiting = dead_letters.of(stack).queues.waiting()
    lines = []
    for key in stack.outputs.dead_letter_queue_urls:
        both = [waiting[key, kind] for kind in (dead_letters.FAILED, dead_letters.UNDELIVERED)]
        failed, undelivered = (each.total for each in both)
        content = _counts([("failed", failed), ("not delivered", undelivered)]).replace("\n", ", ")
        held = sum(each.held for each in both)
        lines.append((key, f"{content or 'empty'}{f' ({held} held just now)' if held else ''}"))
    return lines


def _local_cloud(stack: Stack) -> list[tuple[str, str]]:
    """What the local cloud says of itself."""
    control = switch(stack)
    now = control.status()
    totals = [
        (what, now.totals[outcome]) for outcome, what in OUTCOMES.items() if now.totals.get(outcome)
    ]
    waiting = [("queued", now.queued), ("running", now.running), ("to be retried", now.later)]
    return [
        ("deliveries", _counts(totals) or "none yet"),
        ("under way", _counts(waiting) or "nothing"),
        ("trouble", describe(control.trouble())),
    ]


def _counts(counts: list[tuple[str, int]]) -> str:
    """Counts, a line each; those of nothing left out."""
    return "\n".join(f"{count} {what}" for what, count in counts if count)
