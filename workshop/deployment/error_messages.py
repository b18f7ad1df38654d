"""Explain errors of Terraform in a deployment, and what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from workshop.console import say
from workshop.deployment.aws_errors import EXPIRED, EXPIRED_PATTERN, LOGIN
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import Terraform
from workshop.errors import WorkshopError


class Explainable(Protocol):
    """What is worked on: a stack with names, Terraform, and a state somewhere."""

    prefix: str
    when_taken: str
    """What to do when AWS has something with its names already."""

    @property
    def where(self) -> str:
        """Where the state is kept."""

    @property
    def remote(self) -> bool:
        """Whether other machines can reach it."""

    @property
    def terraform(self) -> Terraform:
        """Terraform, at work on it."""


BUS_HAS_RULES = "can't be deleted since it has rules"
"""Of EventBridge: it sees rules for some seconds after they are deleted (terraform-provider-aws
#22131, sst/ion#809)."""

_MEANINGS = {
    "Saved plan is stale": (
        "The plan is stale: the stack was changed after it was made. "
        "Nothing was changed now. Plan again: make plan"
    ),
    BUS_HAS_RULES: (
        "EventBridge does not delete the bus yet: it still sees rules of it that are gone. Run the "
        "same command again in some minutes. If that does not help, delete the rules that "
        "`aws events list-rules --event-bus-name …` shows for it."
    ),
    # Of Terraform's provider: it cannot read a session of `aws login` (issue 45316).
    "No valid credential source": f"Terraform finds no AWS credentials. {LOGIN}",
}
"""Text in Terraform's error → what it means, and what to do."""

_LOCKED = re.compile(r"^\W*(ID|Operation|Who|Created):\s*(.*)$", re.MULTILINE)


@contextmanager
def terraform_errors(deployment: Explainable, *, changing: bool = False) -> Iterator[None]:
    """Explain Terraform's errors in a sentence, and what to do.

    Args:
        deployment: What is worked on.
        changing: Whether there is something half done when it is interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        if changing:
            say(
                "What was done until now is in the state: the same command goes on from there, and "
                "`make destroy` takes all of it away."
            )
        raise
    except TerraformError as error:
        meaning = explain(str(error), deployment)
        if meaning is None:
            raise
        raise WorkshopError(meaning) from error


def explain(error: str, deployment: Explainable) -> str | None:
    """Return what an error of Terraform means; None when it needs no explanation."""
    flat = " ".join(error.replace("│", " ").split())
    if "acquiring the state lock" in flat:
        return _who_locks(error, deployment)
    if meaning := next((_MEANINGS[sign] for sign in _MEANINGS if sign in flat), None):
        return meaning
    lost = deployment.terraform.errored_state
    kept = f" Keep {lost} until then: it is the newest state." if lost.exists() else ""
    if EXPIRED_PATTERN.search(flat):
        return f"{EXPIRED}{kept}"
    if kept:
        cause = error.splitlines()[1:2] or [error]
        return (
            f"The state could not be written to {deployment.where}:\n{cause[0]}\n"
            f"Fix that and run the same command again: it goes on from there.{kept}"
        )
    if "AlreadyExists" in flat or "already exist" in flat:
        return (
            f"{error}\nNames beginning with {deployment.prefix}- are taken in this account. "
            f"{deployment.when_taken}"
        )
    return None


def _who_locks(error: str, deployment: Explainable) -> str:
    known = dict(_LOCKED.findall(error))
    if "Who" not in known:
        return f"The state {deployment.where} could not be locked.\n{error}"
    message = (
        f"The state {deployment.where} is locked by {known['Who'].strip()} since "
        f"{known.get('Created', 'some time').strip()}. Wait until that has ended."
    )
    if deployment.remote:
        message += f" Only if it was killed: aws s3 rm {deployment.where}.tflock"
    return message
