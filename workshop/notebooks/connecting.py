"""Finding the stack that is up, and leading boto3 to it."""

import os
import re

from workshop.deployment.aws import account_stack
from workshop.deployment.local.injected_faults import nothing_is_wrong
from workshop.deployment.stack import Stack, current
from workshop.errors import WorkshopError
from workshop.notebooks import cleanup, error_display, stock
from workshop.notebooks.connection import Connection
from workshop.paths import STAGES

_CUSTOMER = r"[A-Za-z0-9-]{1,64}"


def connect(stage: int, customer: str) -> Connection:
    """Find the stack that is up, and let boto3's clients in this process reach it.

    From then on a fault that has an explanation is told in a sentence. If the stack has an
    inventory, the shelf is filled until `clean_up`; what an earlier, interrupted run left is
    removed.

    Args:
        stage: The lowest that will do.
        customer: The id under which orders are placed: one for each notebook.

    Raises:
        WorkshopError: No stack is up, its stage is too low, or something is wrong with it on
            purpose; the message names the command.
    """
    error_display.tell_in_sentences(None)
    if not re.fullmatch(_CUSTOMER, customer or ""):
        raise WorkshopError("A customer's id has 1 to 64 letters, digits and hyphens.")
    stack = current()
    require(stack, stage)
    if not stack.target.own:
        _same_account(stack)
    nothing_is_wrong(stack)
    _lead_boto3_to(stack)
    error_display.tell_in_sentences(stack, stage)
    connection = Connection(stack, customer)
    cleanup.forget_orders(stack, customer)
    stock.fill(stack)
    return connection


def require(stack: Stack, stage: int) -> None:
    """Make sure that a stack is built far enough.

    Raises:
        WorkshopError: It is not; the message names the command.
    """
    if stage not in STAGES:
        raise WorkshopError(f"There is no stage {stage!r}: stages go from 1 to {STAGES[-1]}.")
    if stack.stage < stage:
        verb = "up" if stack.target.own else "deploy"
        raise WorkshopError(
            f"This notebook needs stage {stage}, and the stack is at stage {stack.stage}. "
            f"In a terminal: make {verb} STAGE={stage}"
        )


def _same_account(stack: Stack) -> None:
    """Make sure that the credentials are for the account that holds the stack."""
    found = account_stack.target(account_stack.DEFAULT_PREFIX)
    if found.account != stack.target.account:
        raise WorkshopError(
            f"The stack is in account {stack.target.account}, and your AWS credentials are for "
            f"account {found.account}."
        )


def _lead_boto3_to(stack: Stack) -> None:
    """Give this process the variables that `make env` exports, and no others of AWS."""
    import boto3

    wanted = stack.target.environment() | {"AWS_RETRY_MODE": "standard"}  # three tries, not ten
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        if name not in wanted:
            del os.environ[name]
    os.environ.update(wanted)
    boto3.setup_default_session()
