"""The demo: everything is deployed, and orders show every ending."""

import typer

from workshop.console import heading, out
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.local.up import up as bring_up
from workshop.deployment.stack import cloud_name
from workshop.orders import demo as demonstration
from workshop.orders import demo_recovery

app = typer.Typer()


@app.command()
def demo() -> None:
    """Bring everything up and send orders through it: every ending, and the recovery.

    Four orders come to an end by themselves. Two fail for good, wait in a
    dead-letter queue, and are brought back once the cause is removed.
    """
    stack = bring_up(None, cloud_name())
    endings = demonstration.run(stack, out)
    with aws_errors():
        endings += demo_recovery.run(stack, out, first=len(endings) + 1)
    out.print()
    heading("What the four tables say")
    out.print(demonstration.summary(endings))
    demonstration.check(endings)
    out.print("\nWhat failed was brought back: none of these orders waits in a dead-letter queue.")
    out.print("\nNext:")
    for command, what in (
        ("make order ARGS='KEYBOARD=2 --token tok_declined'", "an order of your own"),
        ("make follow", "the last order's journey"),
        ("make gateway ARGS=down", "an outage of your own"),
        ("make dlq", "what failed for good"),
        ("make redrive", "the recovery"),
        (f"make check STAGE={stack.stage}", "the promises, proved"),
        ('eval "$(make -s env)"', "for any AWS tool"),
        ("make down", "stop everything"),
    ):
        out.print(f"  {command:<50} {what}", markup=False)
