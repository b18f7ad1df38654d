"""The settings of the reconciler, from its environment and from the event that starts a run."""

import re
from dataclasses import dataclass
from typing import Any

from orderflow.errors import PermanentError, SettingsError
from orderflow.settings import Settings
from recovery.reconcile.service import Plan

RUNS_IN_A_WINDOW = 2
"""Runs that an order is due in, each time: one of them may be lost."""

_ORDER_ID = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""As in the contract; DynamoDB takes not every text as a key."""

LONGEST = 10 * 366 * 24 * 3600
"""Ten years in seconds: before that there are no orders."""


class InvalidRequestError(PermanentError):
    """The function was asked for something it does not do."""


@dataclass(frozen=True, slots=True)
class ReconcileSettings(Settings):
    """Table and bus, and three whole numbers above 0."""

    stuck_after_seconds: str
    run_every_seconds: str
    orders_per_run: str

    def plan(self, event: Any) -> Plan:
        """Return what a run is to do: as scheduled for `{}`, which is what the schedule sends.

        A manual run is `{"older_than_seconds": 0, "limit"?: 50}`, or `{"order_id": "ord_1"}`.

        Raises:
            InvalidRequestError: Names the field and the rule, never the value.
            SettingsError: A variable is no whole number above 0.
        """
        limit = _whole("ORDERS_PER_RUN", self.orders_per_run)
        if event != {}:
            return _manual_plan(event, limit)
        window = RUNS_IN_A_WINDOW * _whole("RUN_EVERY_SECONDS", self.run_every_seconds)
        return Plan(_whole("STUCK_AFTER_SECONDS", self.stuck_after_seconds), limit, window)


def _manual_plan(event: Any, orders_per_run: int) -> Plan:
    if isinstance(event, dict) and event.keys() == {"order_id"}:
        if not isinstance(event["order_id"], str) or not _ORDER_ID.fullmatch(event["order_id"]):
            raise InvalidRequestError("order_id must be the id of an order")
        return Plan(0, 1, order_id=event["order_id"])
    if not isinstance(event, dict) or not (
        {"older_than_seconds"} <= event.keys() <= {"older_than_seconds", "limit"}
    ):
        raise InvalidRequestError(
            "a manual run takes order_id, or older_than_seconds and limit, and nothing else"
        )
    older_than, limit = event["older_than_seconds"], event.get("limit", orders_per_run)
    is_number = isinstance(older_than, int | float) and not isinstance(older_than, bool)
    if not (is_number and 0 <= older_than <= LONGEST):
        raise InvalidRequestError(f"older_than_seconds must be a number from 0 to {LONGEST}")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise InvalidRequestError("limit must be a whole number from 1")
    return Plan(older_than, limit)


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise SettingsError(f"{name} must be a whole number above 0")
    return int(text)
