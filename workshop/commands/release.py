"""Commands that move the functions' live versions: forward, and back."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from workshop.commands.account_options import Prefix
from workshop.console import heading, out, say
from workshop.deployment.aws import account_stack
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.release import release
from workshop.deployment.release.release import Move
from workshop.deployment.stack import Stack, current
from workshop.orders import smoke as smoke_test

app = typer.Typer()

InAccount = Annotated[
    bool,
    typer.Option("--account", help="The stack in your AWS account, not the one `make up` built."),
]


@app.command("release")
def move_on(
    prefix: Prefix = account_stack.DEFAULT_PREFIX, *, in_account: InAccount = False
) -> None:
    """Make the newest code live, verify it with an order, and restore the previous on failure."""
    with aws_errors(), _stack(prefix, in_account=in_account) as stack:
        report_moves(release.release_and_verify(stack, verify))


@app.command()
def smoke(prefix: Prefix = account_stack.DEFAULT_PREFIX, *, in_account: InAccount = False) -> None:
    """Send one order from the API to its shipment."""
    with aws_errors(), _stack(prefix, in_account=in_account) as stack:
        verify(stack)


@app.command()
def rollback(
    prefix: Prefix = account_stack.DEFAULT_PREFIX, *, in_account: InAccount = False
) -> None:
    """Make live again what was live before the newest release."""
    with aws_errors(), _stack(prefix, in_account=in_account) as stack:
        report_moves(release.rollback(stack))
    say("What was deployed stays deployed, and nobody calls it. The next release makes it live.")


def verify(stack: Stack) -> None:
    """Verify with one order that the system works.

    Raises:
        WorkshopError: It does not.
    """
    heading("smoke test: one order")
    sent = smoke_test.smoke(stack, out)
    then = "It is removed again" if sent.removed else "A smoke test in an hour or later removes it"
    say(f"It is {sent.status} after {sent.seconds:.1f} s. {then}.")


def report_moves(moves: Iterable[Move]) -> None:
    """Say which versions are live now."""
    lines = [f"  {each.key:<15} {each.before} → {each.now}" for each in moves]
    if lines:
        out.print("\n".join(["Live now, by version:", *lines]), markup=False)
    else:
        say("Nothing new: all that is deployed was live already.")


def _stack(prefix: str, *, in_account: bool) -> AbstractContextManager[Stack]:
    return account_stack.deployed_stack(prefix) if in_account else nullcontext(current())
