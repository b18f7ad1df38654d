"""Schedules: EventBridge Scheduler's checks, time zones and first invocations.

AWS refuses an invalid expression and an unknown time zone. It reads an expression in its time zone,
and invokes a rate's target for the first time at StartDate, or at once. MiniStack 1.5.33 takes any
expression and ends its round at one that it cannot read, so that no other schedule is due; it knows
no time zones, waits one interval before a rate's first invocation, and repeats `at()` after a
restart.

Source: LocalStack's test_scheduler, recorded on AWS; EventBridge Scheduler User Guide, "Schedule
types".
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import contextvars
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ministack.core.responses import new_uuid, set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler

from local_cloud.delivery import schedule as expressions
from local_cloud.ministack.replacing import replace

_log = logging.getLogger("local_cloud")

_ROUND_SECONDS = 1
"""How often schedules are looked at; AWS keeps them to the minute."""


def install() -> None:
    """Attach the patches."""
    replace(scheduler, "_create_schedule", _checked)
    replace(scheduler, "_update_schedule", _checked)
    replace(scheduler, "_tick_schedules", lambda _: _invoke_what_is_due)
    replace(scheduler, "get_state", _with_invocations)
    replace(scheduler, "load_persisted_state", _with_restored_invocations)
    scheduler._SCHEDULE_TICK_INTERVAL = _ROUND_SECONDS
    eventbridge._SCHEDULER_TICK_INTERVAL = _ROUND_SECONDS


def _checked(put: Callable[..., Any]) -> Callable[..., Any]:
    def checked(name: str, body: dict[str, Any]) -> Any:
        expression = body.get("ScheduleExpression")
        if expression:
            try:
                expressions.of_scheduler(expression)
            except expressions.InvalidScheduleError:
                return _refusal(f"Invalid Schedule Expression {expression}.")
        if _zone(body.get("ScheduleExpressionTimezone")) is None:
            zone = body["ScheduleExpressionTimezone"]
            return _refusal(f"Invalid Schedule Expression Timezone {zone}.")
        window = body.get("FlexibleTimeWindow") or {}
        if (window.get("Mode") == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
            return _refusal("MaximumWindowInMinutes is for the mode FLEXIBLE, which requires it.")
        return put(name, body)

    return checked


def _refusal(message: str) -> Any:
    return scheduler._error(400, "ValidationException", message)


def _zone(name: str | None) -> tzinfo | None:
    """Return a time zone; None when there is none of this name."""
    if not name or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _invoke_what_is_due() -> None:
    """Invoke the target of every schedule that is due; one that fails stops no other."""
    now = datetime.now(UTC)
    for key, one in list(scheduler._schedules._data.items()):
        try:
            contextvars.copy_context().run(_look_at, key, one, now)
        except Exception:  # noqa: BLE001 - whatever it is, the others have their turn
            _log.exception("the schedule %s failed", key[2])


def _look_at(key: tuple[str, str, str], one: dict[str, Any], now: datetime) -> None:
    """Invoke a schedule's target if it is due, and delete the schedule if it is completed."""
    if one.get("State") != "ENABLED":
        return
    end = scheduler._to_epoch(one.get("EndDate"))
    if end is not None and now.timestamp() > end:
        _complete(key, one)
        return
    schedule = expressions.of_scheduler(one["ScheduleExpression"])
    due = _due(schedule, key, one)
    if due is None or due > now:
        return
    scheduler._schedule_last_fired[key] = now.timestamp()
    account, region, _ = key
    set_request_account_id(account)
    set_request_region(region)
    eventbridge._invoke_target(one["Target"], _event(one, account, region), one)
    if isinstance(schedule, expressions.At):
        _complete(key, one)


def _due(
    schedule: expressions.Schedule, key: tuple[str, str, str], one: dict[str, Any]
) -> datetime | None:
    """Return when a schedule is due next; None when it never is again."""
    zone = _zone(one.get("ScheduleExpressionTimezone")) or UTC
    created = _moment(one["CreationDate"])
    start = _moment(scheduler._to_epoch(one.get("StartDate")) or one["CreationDate"])
    last = scheduler._schedule_last_fired.get(key)
    if last is not None:
        changed = max(last, one.get("LastModificationDate", last))
        if isinstance(schedule, expressions.At):
            return None if changed == last else schedule.next(_moment(changed), start, zone)
        return schedule.next(max(_moment(last), start), start, zone)
    if isinstance(schedule, expressions.At):
        return schedule.moment.replace(tzinfo=zone).astimezone(UTC)
    if isinstance(schedule, expressions.Rate):
        return start
    return schedule.next(max(created, start), start, zone)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _complete(key: tuple[str, str, str], one: dict[str, Any]) -> None:
    if one.get("ActionAfterCompletion") == "DELETE":
        scheduler._schedules._data.pop(key, None)
        scheduler._schedule_last_fired.pop(key, None)


def _event(one: dict[str, Any], account: str, region: str) -> dict[str, Any]:
    return {
        "EventId": new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": int(time.time()),
        "Resources": [one["Arn"]],
        "Account": account,
        "Region": region,
    }


def _with_invocations(get_state: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    return lambda: {**get_state(), "last_invocations": dict(scheduler._schedule_last_fired)}


def _with_restored_invocations(load: Callable[..., Any]) -> Callable[..., Any]:
    def loaded(data: dict[str, Any]) -> Any:
        scheduler._schedule_last_fired.update(data.get("last_invocations", {}))
        return load(data)

    return loaded
