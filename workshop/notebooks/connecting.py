"""Connect a notebook to the running stack."""

import os
import re

from workshop.deployment.aws import account_stack
from workshop.deployment.local.injected_faults import ensure_no_faults
from workshop.deployment.stack import Stack, current
from workshop.errors import WorkshopError
from workshop.notebooks import cleanup, error_display, stock
from workshop.notebooks.connection import Connection
from workshop.paths import STAGES

_CUSTOMER = r"[A-Za-z0-9-]{1,64}"


def connect(stage: int, customer: str) -> Connection:
    """Find the running stack, and configure boto3 in this process to use it.

    Afterwards an error that has an explanation is shown as a sentence instead of a traceback. If
    the stack has an inventory, this sets the demo stock until `clean_up`. It deletes what an
    earlier, interrupted run left.

    Args:
        stage: The lowest stage that the notebook needs.
        customer: The customer id of the notebook's orders; each notebook has its own.

    Raises:
        WorkshopError: No stack is up, its stage is too low, or a fault is injected. The message
            names the command to run.
    """
    error_display.show_explained_errors(None)
    if not re.fullmatch(_CUSTOMER, customer or ""):
        raise WorkshopError("A customer id has 1 to 64 letters, digits and hyphens.")
    stack = current()
    require(stack, stage)
    if not stack.target.own:
        _same_account(stack)
    ensure_no_faults(stack)
    _configure_boto3(stack)
    error_display.show_explained_errors(stack, stage)
    connection = Connection(stack, customer)
    cleanup.delete_orders_of(stack, customer)
    stock.fill(stack)
    return connection


def require(stack: Stack, stage: int) -> None:
    """Check that a stack has reached a stage.

    Raises:
        WorkshopError: It has not; the message names the command to run.
    """
    if stage not in STAGES:
        raise WorkshopError(f"There is no stage {stage!r}. The stages are 1 to {STAGES[-1]}.")
    if stack.stage < stage:
        command = "up" if stack.target.own else "deploy"
        raise WorkshopError(
            f"This notebook needs stage {stage}. The stack is at stage {stack.stage}. "
            f"In a terminal: make {command} STAGE={stage}"
        )


def _same_account(stack: Stack) -> None:
    """Check that the credentials are for the stack's account."""
    found = account_stack.target(account_stack.DEFAULT_PREFIX)
    if found.account != stack.target.account:
        raise WorkshopError(
            f"The stack is in account {stack.target.account}. Your AWS credentials are for "
            f"account {found.account}. Use credentials for the stack's account."
        )


def _configure_boto3(stack: Stack) -> None:
    """Set the variables that `make env` exports, and remove all other AWS variables."""
    import boto3

    wanted = stack.target.environment() | {"AWS_RETRY_MODE": "standard"}  # three attempts, not ten
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        if name not in wanted:
            del os.environ[name]
    os.environ.update(wanted)
    boto3.setup_default_session()
