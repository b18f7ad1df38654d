"""What all commands for an account share: its target, and the question before a change."""

import sys
from typing import Annotated

import typer

from workshop.console import say
from workshop.deployment.aws import account_stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError

if sys.platform == "win32":
    import msvcrt
else:
    import termios

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
        _discard_input()
        answer = typer.prompt("Type the account's number to go on", err=True)
    except (typer.Abort, RuntimeError):  # the latter: standard input is closed
        typer.echo(err=True)
        answer = ""
    if answer.strip() != number:
        raise WorkshopError("Nothing was changed.")


def _discard_input() -> None:
    """Discard what was typed or pasted before a question: the next line of a pasted block, say."""
    if sys.stdin is None or not sys.stdin.isatty():
        return
    if sys.platform == "win32":
        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
