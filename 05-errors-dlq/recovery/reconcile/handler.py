"""Lambda entry point of the reconciler: `reconcile`."""

import os
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from orderflow.aws import client
from orderflow.errors import TransientError
from orderflow.publisher import Publisher
from orderflow.step import logged_failures, logger, metrics
from recovery.reconcile import service
from recovery.reconcile.service import Outcome, Result
from recovery.reconcile.settings import ReconcileSettings
from recovery.reconcile.store import DynamoOpenOrders

RESERVE_MS = 30_000
"""Time left at which no further order is announced: more than a publish that hangs takes."""
TOLD = (Result.ANNOUNCED, Result.LEFT_OVER, Result.WITHOUT_EVENT, Result.FAILED)
"""What a run tells beside how many orders are stuck."""

settings = ReconcileSettings.from_environment(os.environ)
orders = DynamoOpenOrders(client("dynamodb"), settings.table_name)
publisher = Publisher(client("events"), settings.event_bus_name)


class NothingAnnouncedError(TransientError):
    """Orders stand still, and not one could be announced."""


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def reconcile(event: Any, context: Any) -> dict[str, int]:
    """Announce orders that stand still: those that are due, or by hand all that are older.

    Raises:
        NothingAnnouncedError: Every order failed. Some failing beside others is told in the
            answer; all failing is the bus, and the function's own alarm must show it.
    """
    counts = Counter[Result]()
    with logged_failures():
        outcomes = service.reconcile(
            orders,
            publisher,
            settings.plan(event),
            now=datetime.now(UTC),
            until=lambda: context.get_remaining_time_in_millis() < RESERVE_MS,
        )
        for outcome in outcomes:
            counts[outcome.result] += 1
            _log(outcome)
    report = {
        "stuck": counts.total() - counts[Result.ENDED],
        **{str(result): counts[result] for result in TOLD},
    }
    for name, value in report.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    logger.info("reconciled", extra=report)
    if counts[Result.FAILED] and not counts[Result.ANNOUNCED]:
        raise NothingAnnouncedError(
            f"{counts[Result.FAILED]} orders could not be announced, and no other was"
        )
    return report


def _log(outcome: Outcome) -> None:
    extra = {"correlation_id": outcome.order_id, "reason": outcome.reason}
    if outcome.result is Result.ANNOUNCED:
        logger.info("announced", extra=extra)
    elif outcome.result in {Result.WITHOUT_EVENT, Result.FAILED}:
        logger.error(f"not announced: {outcome.result}", extra=extra)
