"""The demo: everything is deployed, and orders show every ending."""

from typing import Annotated

import typer

from workshop.board import process
from workshop.commands import board
from workshop.console import heading, out, print_table, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.local.up import up as bring_up
from workshop.deployment.stack import cloud_name
from workshop.errors import WorkshopError
from workshop.orders import demo as demonstration
from workshop.orders import demo_recovery

app = typer.Typer()


@app.command()
def demo(
    *,
    open_it: Annotated[bool, typer.Option("--open", help="Open the board in a browser.")] = False,
) -> None:
    """Bring everything up and send orders through it: every ending, and the recovery.

    Four orders come to an end by themselves. Two fail for good, wait in a
    dead-letter queue, and are redriven after the cause is removed.
    The board shows them in a browser; `make down` ends it.
    """
    name = cloud_name()
    stack = bring_up(None, name)
    _start_board(name, open_it=open_it)
    endings = demonstration.run(stack, out)
    with aws_errors():
        endings += demo_recovery.run(stack, out, first=len(endings) + 1)
    out.print()
    heading("What the four tables say")
    print_table(demonstration.summary(endings))
    demonstration.check(endings)
    out.print("\nWhat failed is recovered: none of these orders waits in a dead-letter queue.")
    out.print("\nNext: lesson 1, in 01-order-service/README.md. Or try:")
    for command, what in (
        ("make order ARGS='KEYBOARD=2 --token tok_declined'", "an order of your own"),
        ("make follow", "the last order's journey"),
        ("make gateway ARGS=down", "an outage of your own"),
        ("make dlq", "what failed for good"),
        ("make redrive", "the recovery"),
        (f"make check STAGE={stack.stage}", "check that everything works"),
        ('eval "$(make -s env)"', "for any AWS tool"),
        ("make board", "the same in a browser: its address again"),
        ("make down", "stop everything"),
    ):
        out.print(f"  {command:<50} {what}", markup=False)


def _start_board(name: str, *, open_it: bool) -> None:
    """Start the board and print its address; the demo continues without it if that fails."""
    try:
        board.show(process.start(name).address, open_it=open_it)
    except (WorkshopError, OSError) as error:
        say(f"The demo continues without the board. {error}")
