"""Verbs for a real AWS account: nothing happens without naming account and region."""

from typing import Annotated

import typer

from workshop.commands.stack import Stage
from workshop.console import out, say
from workshop.deployment import account
from workshop.deployment.target import Target
from workshop.deployment.up import last_stage
from workshop.errors import WorkshopError
from workshop.recovery import dead_letters

app = typer.Typer()

Prefix = Annotated[str, typer.Option(help="Start of every name: one for each stack.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")]

COST = (
    "Cost: no servers, nothing by the hour. Idle, well under 1 USD a month (stored logs, backups "
    "of small tables){}; in use, about 35 USD per million orders (docs/cost.md)."
)
ALARMS = " and about 5 USD for the alarms (0.10 each, the account's first ten free)"
"""What stage 5 adds to the cost, by AWS's price list of 2026."""


@app.command()
def deploy(
    stage: Stage = None,
    prefix: Prefix = account.DEFAULT_PREFIX,
    alarm_email: Annotated[
        str | None,
        typer.Option(
            help="Who is told of alarms and costs, from stage 5 on (a budget: its owner must let "
            "IAM users see billing); default: as before; none: nobody."
        ),
    ] = None,
    *,
    yes: Yes = False,
) -> None:
    """Deploy the system to an AWS account, with the usual AWS credentials."""
    target = _target(prefix)
    stage = stage or last_stage()
    deployment = account.Deployment(target, prefix)
    changes = deployment.plan(stage, alarm_email)
    out.print(f"Account {target.account}, region {target.region}, stage {stage}, names {prefix}-*")
    out.print(f"Plan: {changes}.")
    cost = COST.format(ALARMS if stage >= dead_letters.STAGE else "")
    out.print("Cost: none here." if target.endpoint_url else cost, soft_wrap=True)
    _confirm(target.account, yes=yes)
    outputs = deployment.apply()
    say(f"Deployed. API (signed requests only): {outputs.api_endpoint}")
    say(f"Terraform's state lies in {target.directory}: keep it until `make destroy` has run.")
    say(f"To look inside: WORKSHOP_CLOUD={target.name} make status")
    say(f"To remove it: make destroy{_arguments(prefix)}")


@app.command()
def destroy(prefix: Prefix = account.DEFAULT_PREFIX, *, yes: Yes = False) -> None:
    """Remove what `deploy` made from an AWS account, and prove that nothing is left."""
    target = _target(prefix)
    deployment = account.Deployment(target, prefix)
    changes = deployment.plan_destruction()
    out.print(f"Account {target.account}, region {target.region}, names {prefix}-*")
    out.print(f"Plan: {changes}. Orders, payments and stock are lost for good.")
    _confirm(target.account, yes=yes)
    deployment.destroy()
    left = account.leftovers(target, prefix)
    if left.found:
        raise WorkshopError(
            "Still there, of this stack or of another with such names:\n" + "\n".join(left.found)
        )
    if left.not_searched:
        say(f"You may not list all there is, so look yourself: {', '.join(left.not_searched)}.")
        say("Destroyed: nothing of the stack is left in the rest of account and region.")
        return
    say("Destroyed: account and region were searched, and nothing of the stack is left.")


def _target(prefix: str) -> Target:
    """The account; when it is none but a local cloud, that is the first thing said."""
    target = account.target(prefix)
    if target.endpoint_url:
        say(
            f"This is the local cloud at {target.endpoint_url}, not AWS. "
            f"To reach AWS: {account.UNSET}"
        )
    return target


def _arguments(prefix: str) -> str:
    return "" if prefix == account.DEFAULT_PREFIX else f' ARGS="--prefix {prefix}"'


def _confirm(number: str, *, yes: bool) -> None:
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
