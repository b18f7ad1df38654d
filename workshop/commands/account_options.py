"""What all verbs for an account share: whose it is, and the question before anything is done."""

from typing import Annotated

import typer

from workshop.console import say
from workshop.deployment.aws import account_stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError

Prefix = Annotated[
    str, typer.Option(envvar="NAME_PREFIX", help="Start of every name: one for each stack.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")]


def target(prefix: str) -> Target:
    """The account; when it is none but a local cloud, that is the first thing said."""
    found = account_stack.target(prefix)
    if found.endpoint_url:
        say(
            f"This is the local cloud at {found.endpoint_url}, not AWS. "
            f"To reach AWS: {account_stack.UNSET}"
        )
    return found


def confirm(number: str, *, yes: bool) -> None:
    """Go on only when a person types the account's number.

    Raises:
        WorkshopError: When they type something else.
    """
    if yes:
        return
    try:
        answer = typer.prompt("Type the account's number to go on", err=True)
    except typer.Abort:
        typer.echo(err=True)
        answer = ""
    if answer.strip() != number:
        raise WorkshopError("Nothing was changed.")
