"""The reconciler, run by hand: orders that stand still are announced again."""

import json
from dataclasses import dataclass, fields
from typing import Any

from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.recovery.dead_letters import missing

OLDER_THAN = 900
"""Seconds after which the reconciler's schedule takes an order to stand still."""

LONGEST = 10 * 366 * 24 * 3600
"""The greatest age in seconds that the reconciler takes: ten years."""

TIMEOUT = 310.0
"""Seconds its answer is waited for: a little more than the 300 s it may run."""


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        stuck: Orders that are open, and older than the limit.
        announced: Those whose OrderCreated was sent again.
        left_over: Those that the limit cut off.
        without_event: Those that have no OrderCreated to send.
        failed: Those that could not be announced for another reason.
    """

    stuck: int
    announced: int
    left_over: int
    without_event: int
    failed: int


def reconcile(
    stack: Stack, older_than: int, limit: int | None = None, order_id: str | None = None
) -> Report:
    """Have open orders that are older than so many seconds announced again.

    Args:
        stack: Where.
        older_than: Their age in seconds, at least.
        limit: How many at most; by default as many as a scheduled run takes.
        order_id: Only this order, whatever its age.

    Raises:
        WorkshopError: The stack has no reconciler yet, or it failed.
    """
    if "reconciler" not in stack.outputs.function_names:
        raise missing("The reconciler comes", stack)
    request: dict[str, Any] = {"older_than_seconds": older_than}
    if limit is not None:
        request["limit"] = limit
    if order_id is not None:
        request = {"order_id": order_id}
    with aws_errors():
        answer = stack.patient_client("lambda", TIMEOUT).invoke(
            FunctionName=stack.invokable("reconciler"),
            Payload=json.dumps(request),
        )
    told = json.loads(answer["Payload"].read() or "null") or {}
    if "FunctionError" in answer:
        why = f"{told.get('errorType', '')}: {told.get('errorMessage', '')}".strip(": ")
        raise WorkshopError(
            f"The reconciler failed: {why.rstrip('.')}. Its log: make logs ARGS=reconciler"
        )
    return Report(**{field.name: told[field.name] for field in fields(Report)})
