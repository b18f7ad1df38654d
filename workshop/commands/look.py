"""Verbs that look into a stack."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from workshop.commands.trouble import describe, switch
from workshop.console import out, say
from workshop.errors import WorkshopError
from workshop.stack import Stack, current, function_name

app = typer.Typer()


@app.command()
def status() -> None:
    """Show the stack: where it is, its functions, its tables and what they hold."""
    stack = current()
    where = stack.target.endpoint_url or f"account {stack.target.account}"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("stage", str(stack.stage))
    table.add_row("cloud", f"{where} ({stack.target.region})")
    table.add_row("api", stack.outputs.api_endpoint)
    table.add_row("event bus", stack.outputs.event_bus_name)
    for key, name in stack.outputs.function_names.items():
        table.add_row(f"function {key}", name)
    for key, name in stack.outputs.table_names.items():
        table.add_row(f"table {key}", f"{name}  {_item_count(stack, name)}")
    for key, url in stack.outputs.dead_letter_queue_urls.items():
        table.add_row(f"queue {key}", str(url))
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
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    cloud: Annotated[bool, typer.Option("--cloud", help="The local cloud's own log.")] = False,
) -> None:
    """Show what the functions logged, oldest first."""
    stack = current()
    if cloud:
        path = stack.target.directory / "cloud.log"
        lines = path.read_text("utf-8", errors="replace").splitlines()[-200:]
        out.print("\n".join(lines), markup=False, soft_wrap=True)
        return
    keys = [function] if function else list(stack.outputs.function_names)
    names = {key: function_name(stack, key) for key in keys}
    since = int((time.time() - 60 * minutes) * 1000)
    seen: set[tuple[int, str, str]] = set()
    while True:
        events = [_log_events(stack, key, name, since) for key, name in names.items()]
        found = set().union(*events)
        for event in sorted(found - seen):
            milliseconds, key, message = event
            when = datetime.fromtimestamp(milliseconds / 1000, UTC)
            line = f"{when:%H:%M:%S.%f}"[:-3] + f" {key:<15} {message}"
            out.print(line, markup=False, soft_wrap=True)
        seen |= found
        if not follow:
            break
        time.sleep(1)
    if not seen:
        say(f"Nothing was logged in the last {minutes} minutes.")


def _log_events(stack: Stack, key: str, function: str, since: int) -> list[tuple[int, str, str]]:
    """What a function logged since a time: milliseconds, its key, the message."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

    pages = stack.client("logs").get_paginator("filter_log_events")
    try:
        found = pages.paginate(logGroupName=f"/aws/lambda/{function}", startTime=since)
        return [
            (event["timestamp"], key, event["message"].rstrip())
            for page in found
            for event in page["events"]
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []  # it has not logged yet
        raise WorkshopError(f"The logs cannot be read: {error}") from error


def _item_count(stack: Stack, table: str) -> str:
    """How many items a table holds; AWS itself counts only every six hours or so."""
    described = stack.client("dynamodb").describe_table(TableName=table)["Table"]
    about = "" if stack.target.own else "about "
    return f"{about}{described['ItemCount']} items"


def _local_cloud(stack: Stack) -> list[tuple[str, str]]:
    """What the local cloud says of itself."""
    control = switch(stack)
    now = control.status()
    totals = ", ".join(f"{count} {outcome}" for outcome, count in now.totals.items()) or "none yet"
    return [
        ("deliveries", totals),
        ("under way", f"{now.queued} queued, {now.running} running, {now.later} to be retried"),
        ("trouble", describe(control.trouble())),
    ]
