"""The command that sends events of the archive again."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from workshop.console import Spinner, out, print_table, say
from workshop.deployment.stack import current, function_name
from workshop.errors import WorkshopError
from workshop.recovery import replaying

app = typer.Typer()

LONGEST_REPLAY = 14 * 24 * 60
"""Minutes: the archive keeps events for 14 days."""
SHORTEST_SLICE = 10
"""Seconds: each slice is a replay of its own, which takes a second or two."""


@app.command()
def replay(
    function: Annotated[
        str | None, typer.Argument(help="Only to this function, such as shipping.")
    ] = None,
    minutes: Annotated[
        int, typer.Option(min=1, max=LONGEST_REPLAY, help="The length of the period in minutes.")
    ] = 60,
    until: Annotated[
        int,
        typer.Option(min=0, max=LONGEST_REPLAY, help="Its end, in minutes before now."),
    ] = 0,
    slice_: Annotated[
        int | None,
        typer.Option(
            "--slice",
            min=SHORTEST_SLICE,
            max=60 * LONGEST_REPLAY,
            help="So many seconds of events at once; the next ones when these are processed.",
        ),
    ] = None,
) -> None:
    """Send events of the archive again: nothing happens twice, and what was missed is repaired."""
    stack = current()
    end = datetime.now(UTC) - timedelta(minutes=until)
    events = replaying.Range(end - timedelta(minutes=minutes), end)
    if function:
        function_name(stack, function)
    if replaying.is_fresh(stack, events):
        say("The events of the last ten minutes may not be in the archive yet.")
    before = replaying.orders(stack)
    known = True
    with Spinner("Replaying …") as spinner:
        for each in events.slices(slice_):
            spinner.now(f"Replaying up to {each.until:%H:%M:%S} …")
            replaying.replay(stack, each, function)
            known = replaying.settled(stack)
    receiver = f"to {function}" if function else "to all rules"
    out.print(f"Replayed the events from {events.since:%H:%M:%S} to {end:%H:%M:%S} {receiver}.")
    if not known:
        say("The functions may still process them: make status")
    after = replaying.orders(stack)
    if before is None or after is None:
        return
    _report_replay(replaying.change(before, after))


def _report_replay(change: replaying.Change) -> None:
    """Show the orders by status before and after a replay.

    Raises:
        WorkshopError: An order that had ended has another status now.
    """
    if not change.after:
        out.print("There are no orders.")
        return
    table = Table("status", "orders before", "after", box=None, pad_edge=False)
    for status in sorted(change.before | change.after):
        table.add_row(status, str(change.before[status]), str(change.after[status]))
    out.print()
    print_table(table)
    out.print()
    if change.moved:
        raise WorkshopError(f"Orders that had ended have moved: {', '.join(change.moved[:5])}")
    if change.ended:
        out.print(f"Ended before the replay, and unchanged: {change.ended}")
