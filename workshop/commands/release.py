"""Verbs that move the functions' live versions: forward, and back."""

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
    """Make the newest code live, prove it with an order, take it back when it fails."""
    with aws_errors(), _stack(prefix, in_account=in_account) as stack:
        told(release.release_and_prove(stack, prove))


@app.command()
def smoke(prefix: Prefix = account_stack.DEFAULT_PREFIX, *, in_account: InAccount = False) -> None:
    """Send one order from the API to its shipment, and remove it again."""
    with aws_errors(), _stack(prefix, in_account=in_account) as stack:
        prove(stack)


@app.command()
def rollback(
    prefix: Prefix = account_stack.DEFAULT_PREFIX, *, in_account: InAccount = False
) -> None:
    """Make live again what was live before the newest release."""
    with aws_errors(), _stack(prefix, in_account=in_account) as stack:
        told(release.rollback(stack))
    say("What was deployed stays deployed, and nobody calls it. The next release makes it live.")


def prove(stack: Stack) -> None:
    """Let an order prove that the system works.

    Raises:
        WorkshopError: It does not.
    """
    heading("smoke test: one order")
    proof = smoke_test.smoke(stack, out)
    say(f"It is {proof.status} after {proof.seconds:.1f} s, and removed again.")


def told(moves: Iterable[Move]) -> None:
    """Say which versions are live now."""
    lines = [f"  {each.key:<15} {each.before} → {each.now}" for each in moves]
    if lines:
        out.print("\n".join(["Live now, by version:", *lines]), markup=False)
    else:
        say("Nothing new: all that is deployed was live already.")


def _stack(prefix: str, *, in_account: bool) -> AbstractContextManager[Stack]:
    return account_stack.found(prefix) if in_account else nullcontext(current())
