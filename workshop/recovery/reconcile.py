"""Invoke the reconciler: re-publish the OrderCreated of stalled orders."""

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import Stack, command
from workshop.errors import WorkshopError
from workshop.recovery.dead_letter_view import in_largest_unit
from workshop.recovery.dead_letters import missing

OLDER_THAN = 900
"""The age in seconds at which a scheduled run counts an order as stalled."""

WINDOW = 600
"""Seconds for which a scheduled run takes an order each time its age has doubled: two runs."""

LONGEST = 10 * 366 * 24 * 3600
"""The greatest age in seconds that the reconciler accepts: ten years."""

TIMEOUT = 310.0
"""Seconds to wait for its response: a little more than the function's timeout of 300 s."""


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        stuck: Open orders older than the given age.
        republished: Orders with a re-published OrderCreated.
        left_over: Orders beyond the limit.
        without_event: Orders without a stored OrderCreated.
        failed: Orders that could not be re-published for another reason.
        orders: The first hundred of them: order_id, status, placed_at and result of each.
    """

    stuck: int
    republished: int
    left_over: int
    without_event: int
    failed: int
    orders: list[dict[str, str]]


RESULTS = {
    "republished": "re-published",
    "left_over": "not this time: the limit was reached",
    "without_event": "has no OrderCreated to publish",
    "failed": "could not be published",
}
"""An order's result in the reconciler's report → in words."""


def table(report: Report, now: datetime | None = None) -> Table:
    """Return the orders of a report as a table, the oldest first."""
    now = now or datetime.now(UTC)
    shown = Table("order", "status", "age", "result", box=None, pad_edge=False)
    for each in sorted(report.orders, key=lambda each: each["placed_at"]):
        placed = _age(each["placed_at"], now)
        shown.add_row(each["order_id"], each["status"] or "–", placed, RESULTS[each["result"]])
    return shown


def _age(placed_at: str, now: datetime) -> str:
    """Return how long ago a timestamp was, in its largest unit."""
    try:
        return in_largest_unit((now - datetime.fromisoformat(placed_at)).total_seconds())
    except (TypeError, ValueError):  # somebody wrote nonsense into the table
        return "?"


def reconcile(
    stack: Stack, older_than: int, limit: int | None = None, order_id: str | None = None
) -> Report:
    """Re-publish the OrderCreated of open orders.

    Args:
        stack: The stack.
        older_than: Their minimum age in seconds.
        limit: The maximum number of orders; by default that of a scheduled run.
        order_id: Only this order, whatever its age.

    Raises:
        WorkshopError: The stack has no reconciler yet, it failed, or it is of another commit.
    """
    if "reconciler" not in stack.outputs.function_names:
        raise missing("The reconciler comes", stack)
    request: dict[str, Any] = {"older_than_seconds": older_than}
    if limit is not None:
        request["limit"] = limit
    if order_id is not None:
        request = {"order_id": order_id}
    with aws_errors():
        response = stack.patient_client("lambda", TIMEOUT).invoke(
            FunctionName=stack.invokable("reconciler"),
            Payload=json.dumps(request),
        )
    result = json.loads(response["Payload"].read() or "null") or {}
    if "FunctionError" in response:
        why = f"{result.get('errorType', '')}: {result.get('errorMessage', '')}".strip(": ")
        raise WorkshopError(
            f"The reconciler failed: {why.rstrip('.')}. Its log: make logs ARGS=reconciler"
        )
    try:
        return Report(**{field.name: result[field.name] for field in fields(Report)})
    except KeyError:  # a function of another commit reports other fields
        raise WorkshopError(
            "The reconciler has run, and its report has another form: the deployed code is of "
            f"another commit. To deploy the code of this working copy: {_deploy(stack)}"
        ) from None


def _deploy(stack: Stack) -> str:
    return command(stack, f"up STAGE={stack.stage}") if stack.target.own else "make deploy"
