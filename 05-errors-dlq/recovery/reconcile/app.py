"""The reconciler function: its entry point, and how its parts are put together."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from orderflow.aws import client
from orderflow.errors import TransientError
from orderflow.publisher import Publisher
from orderflow.step import entry_point, logged_failures, logger, metrics
from recovery.reconcile import service
from recovery.reconcile.service import Outcome, Result
from recovery.reconcile.settings import ReconcileSettings
from recovery.reconcile.store import DynamoOpenOrders, OpenOrders

RESERVE_MS = 30_000
"""Remaining time below which no further order is re-published; a publish that hangs takes less."""
REPORTED = (Result.REPUBLISHED, Result.LEFT_OVER, Result.WITHOUT_EVENT, Result.FAILED)
"""The results that a report counts, beside the number of stuck orders."""
LISTED = 100
"""Orders that the report of a manual run lists, at most."""


class NothingRepublishedError(TransientError):
    """Orders are stalled, and not one could be re-published."""


@dataclass(frozen=True, slots=True)
class App:
    """The reconciler function with all that it uses."""

    orders: OpenOrders
    publisher: Publisher
    settings: ReconcileSettings

    @entry_point
    def reconcile(self, event: Any, context: Any) -> dict[str, Any]:
        """Re-publish stalled orders: those that are due, or on request all that are older.

        Raises:
            NothingRepublishedError: AWS refused every order. Some failing beside others is in the
                report; all failing is the bus, and the function's own alarm must show it. Orders
                whose row breaks the contract are in the report only: no next run can do better.
        """
        counts = Counter[Result]()
        listed: list[dict[str, str]] = []
        refused = 0
        with logged_failures():
            plan = self.settings.plan(event)
            outcomes = service.reconcile(
                self.orders,
                self.publisher,
                plan,
                now=datetime.now(UTC),
                until=lambda: context.get_remaining_time_in_millis() < RESERVE_MS,
            )
            for outcome in outcomes:
                counts[outcome.result] += 1
                refused += outcome.transient
                _log(outcome)
                if outcome.result in REPORTED and len(listed) < LISTED:
                    listed.append(_row(outcome))
        report = {
            "stuck": counts.total() - counts[Result.ENDED],
            **{str(result): counts[result] for result in REPORTED},
        }
        for name, value in report.items():
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
        logger.info("reconciled", extra=report)
        if refused and not counts[Result.REPUBLISHED]:
            raise NothingRepublishedError(
                f"{refused} orders could not be published, and no other was"
            )
        return report if plan.window is not None else {**report, "orders": listed}


def build(environment: Mapping[str, str], *, dynamodb: Any = None, events: Any = None) -> App:
    """Put the function together; a client that is None becomes a real one.

    Args:
        environment: The function's environment variables.
        dynamodb: A boto3 `dynamodb` client.
        events: A boto3 `events` client.

    Raises:
        SettingsError: A variable is missing.
    """
    settings = ReconcileSettings.from_environment(environment)
    return App(
        orders=DynamoOpenOrders(dynamodb or client("dynamodb"), settings.table_name),
        publisher=Publisher(events or client("events"), settings.event_bus_name),
        settings=settings,
    )


def _row(outcome: Outcome) -> dict[str, str]:
    """Return what the report of a manual run says of an order."""
    names = ("order_id", "status", "placed_at", "result")
    return {name: str(getattr(outcome, name)) for name in names}


def _log(outcome: Outcome) -> None:
    extra = {"correlation_id": outcome.order_id, "reason": outcome.reason}
    if outcome.result is Result.REPUBLISHED:
        logger.info("republished", extra=extra)
    elif outcome.result in {Result.WITHOUT_EVENT, Result.FAILED}:
        logger.error(f"not republished: {outcome.result}", extra=extra)
