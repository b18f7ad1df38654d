"""What went wrong with a deployment, in a sentence, and how to go on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from workshop.console import say
from workshop.deployment.aws_errors import EXPIRED, EXPIRED_PATTERN
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import Terraform
from workshop.errors import WorkshopError


class Explainable(Protocol):
    """What is worked on: a stack with names, Terraform, and a state somewhere."""

    prefix: str

    @property
    def where(self) -> str:
        """Where the state is kept."""

    @property
    def remote(self) -> bool:
        """Whether other machines can reach it."""

    @property
    def terraform(self) -> Terraform:
        """Terraform, at work on it."""


_LOCKED = re.compile(r"^\W*(ID|Operation|Who|Created):\s*(.*)$", re.MULTILINE)


@contextmanager
def explained(deployment: Explainable, *, changing: bool = False) -> Iterator[None]:
    """Say in a sentence what went wrong with a deployment, and how to go on.

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
        told = sentence(str(error), deployment)
        if told is None:
            raise
        raise WorkshopError(told) from error


def sentence(error: str, deployment: Explainable) -> str | None:
    """What an error of Terraform's means for a deployment; None when it speaks for itself."""
    flat = " ".join(error.replace("│", " ").split())
    if "acquiring the state lock" in flat:
        return _who_locks(error, deployment)
    if "Saved plan is stale" in flat:
        return (
            "The plan is stale: the stack was changed after it was made. "
            "Nothing was changed now. Plan again: make plan"
        )
    lost = deployment.terraform.errored_state
    kept = f" Keep {lost} until then: it is the newest state." if lost.exists() else ""
    if EXPIRED_PATTERN.search(flat):
        return f"{EXPIRED}{kept}"
    if kept:
        cause = error.splitlines()[1:2] or [error]
        return (
            f"The state could not be written to {deployment.where}:\n{cause[0]}\n"
            f"Mend that and run the same command again: it goes on from there.{kept}"
        )
    if "AlreadyExists" in flat or "already exist" in flat:
        return (
            f"{error}\nNames beginning with {deployment.prefix}- are taken in this account. "
            "If by a deployment that was killed before it had written them down, remove these by "
            "hand. If by another stack, remove what was made just now with `destroy`, then choose "
            "others: --prefix"
        )
    return None


def _who_locks(error: str, deployment: Explainable) -> str:
    known = dict(_LOCKED.findall(error))
    if "Who" not in known:
        return f"The state {deployment.where} could not be locked.\n{error}"
    told = (
        f"The state {deployment.where} is locked by {known['Who'].strip()} since "
        f"{known.get('Created', 'some time').strip()}. Wait until that has ended."
    )
    if deployment.remote:
        told += f" Only if it was killed: aws s3 rm {deployment.where}.tflock"
    return told
