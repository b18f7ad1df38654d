"""Delete a dead letter unprocessed, and say what follows for its order."""

from datetime import datetime

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import order_rows
from workshop.recovery import reconcile as reconciling
from workshop.recovery.dead_letter_view import in_largest_unit
from workshop.recovery.dead_letters import DeadLetter, DeadLetterQueues, discard


def delete(queues: DeadLetterQueues, message_id: str) -> None:
    """Delete a dead letter.

    Args:
        queues: The dead-letter queues, or only that of its consumer.
        message_id: The whole id.

    Raises:
        WorkshopError: It could not be received.
    """
    if not discard(queues, message_id):
        raise WorkshopError("Not deleted: another command has received it just now. Try again.")


def consequence(stack: Stack, dead_letter: DeadLetter, now: datetime) -> str:
    """Return what happens next to a dead letter's order; empty if the order is at its end.

    Args:
        stack: The stack.
        dead_letter: The dead letter, before or after its deletion.
        now: The time, in UTC.

    Raises:
        ClientError: The order cannot be read.
    """
    if not dead_letter.order_id:
        return ""
    row = order_rows.row_of(stack, "orders", dead_letter.order_id)
    if not row or order_rows.is_settled(stack, str(row["status"])):
        return ""
    return (
        f"The order {dead_letter.order_id} is still open ({row['status']}). The reconciler "
        f"re-publishes its OrderCreated {_next_time(row, now)}, so the dead letter may return. "
        "To end the order: docs/error-handling.md, “End an order that cannot continue”"
    )


def _next_time(row: order_rows.Row, now: datetime) -> str:
    """Return when the reconciler takes an order: in two runs each time its age has doubled."""
    try:
        age = (now - datetime.fromisoformat(str(row.get("placed_at")))).total_seconds()
    except (TypeError, ValueError):
        return "again"
    due = reconciling.OLDER_THAN
    while due <= age:
        due *= 2
    is_due = reconciling.OLDER_THAN <= age < due / 2 + reconciling.WINDOW
    soon = "in its next run, or " if is_due else ""
    return f"{soon}when it is {in_largest_unit(due)} old"
