"""Read an order's hops: from the functions' logs, and from the local cloud's delivery log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from local_cloud.delivery.delivery_log import Delivery, Outcome
from workshop.deployment.aws_errors import aws_errors, is_throttled
from workshop.deployment.local import delivery_records
from workshop.deployment.stack import Stack
from workshop.journeys import order_rows
from workshop.journeys.hops import Hop, hop_of, is_about
from workshop.journeys.waterfall import Waterfall, waterfall_of

POLL_SECONDS_IN_ACCOUNT = 2.0
"""Each read sends CloudWatch Logs one request per function. An account may send 5 to 25 such
requests a second, depending on the region (Amazon CloudWatch Logs quotas, FilterLogEvents)."""

LOG_MARGIN = timedelta(minutes=1)
"""Logs are read from this long before the order was placed, because clocks differ."""

DELIVERIES = {
    Outcome.KILLED: "killed",
    Outcome.REFUSED: "refused",
    Outcome.DROPPED: "dropped",
    Outcome.DEAD_LETTERED: "dead-lettered",
}
"""Outcome in the local cloud's delivery log → the hop's `what`."""


def hops(stack: Stack, order_id: str, since: datetime | None = None) -> list[Hop]:
    """Return what the functions logged about an order, oldest first.

    A throttled log is left out: the next read has it.

    Args:
        stack: Where the order is.
        order_id: Which order.
        since: The time to read the logs from; by default shortly before the order was placed, or
            the oldest log line for an order without a row.
    """
    if since is None and (row := order_rows.row_of(stack, "orders", order_id)):
        since = start_of_logs(row)
    found = set()
    for key, name in stack.outputs.function_names.items():
        for message in _messages(stack, f"/aws/lambda/{name}", order_id, since):
            hop = hop_of(key, message)
            if hop:
                found.add(hop)
    return sorted(found)


def delivery_hops(stack: Stack, order_id: str) -> list[Hop]:
    """Return the hops that no function could log, oldest first.

    They come from the local cloud's delivery log. On AWS, a killed function logs no order id.
    """
    if not stack.target.own:
        return []
    keys = stack.outputs.function_keys
    return [
        Hop(datetime.fromisoformat(each.time), keys[each.function], what, _step_delivered(each))
        for each in delivery_records.of(stack, order_id)
        if (what := DELIVERIES.get(each.outcome)) and each.function in keys
    ]


def _step_delivered(delivery: Delivery) -> str:
    step = delivery.origin.identity.rpartition("/")[2]
    return f"{step} (try {delivery.attempt})" if delivery.outcome is Outcome.REFUSED else step


def waterfall(stack: Stack, order_id: str) -> Waterfall:
    """Return an order's waterfall, from the logs and from the local cloud's delivery records.

    Args:
        stack: Where the order is.
        order_id: Which order.

    Raises:
        WorkshopError: Nothing is logged about the order, or the logs cannot be read.
    """
    keys = stack.outputs.function_keys
    records = None
    if stack.target.own:
        found = delivery_records.of(stack, order_id)
        records = [each for each in found if each.function in keys]
    with aws_errors():
        return waterfall_of(hops(stack, order_id), records, keys)


def logged_since(stack: Stack, order_id: str) -> datetime | None:
    """Return the time before which nothing was logged about an order; None when it is unknown."""
    with aws_errors():
        row = order_rows.row_of(stack, "orders", order_id)
    return start_of_logs(row) if row else None


def start_of_logs(row: order_rows.Row | None) -> datetime | None:
    """Return the time from which to read an order's logs; None if it is unknown.

    Without a start time CloudWatch reads everything it keeps: 14 days of all orders.
    """
    now = datetime.now(UTC)
    if row is None:  # its event was published just now, or there is no order
        return now - LOG_MARGIN
    try:
        placed_at = datetime.fromisoformat(str(row.get("placed_at")))
        # The time in a manually published event may be wrong.
        return placed_at - LOG_MARGIN if placed_at <= now else None
    except (ValueError, TypeError):
        return None


def _messages(stack: Stack, group: str, order_id: str, since: datetime | None) -> Iterator[str]:
    """Yield the log lines about an order."""
    from botocore.exceptions import ClientError

    start = {} if since is None else {"startTime": int(since.timestamp() * 1000)}
    pages = (
        stack.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=group, filterPattern=f'"{order_id}"', **start)
    )
    try:
        for page in pages:
            for event in page["events"]:
                if is_about(event["message"], order_id):
                    yield event["message"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException" and not is_throttled(
            error
        ):
            raise
