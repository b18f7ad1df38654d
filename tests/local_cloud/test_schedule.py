"""Schedule expressions: what AWS accepts, and when they are due."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from local_cloud.delivery.schedule import InvalidScheduleError, of_rule, of_scheduler

SATURDAY = datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)


def due(expression: str, *, after: datetime = SATURDAY, zone: str = "UTC") -> str:
    """Return when a schedule is due first after a moment, in UTC."""
    found = of_scheduler(expression).next(after, after, ZoneInfo(zone))
    return found.strftime("%Y-%m-%d %H:%M") if found else "never"


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("cron(0 12 * * ? *)", "2026-02-01 12:00"),
        ("cron(1 12 * * ? *)", "2026-01-31 12:01"),
        ("cron(0/15 * * * ? *)", "2026-01-31 12:15"),
        ("cron(0/30 20-23 ? * MON-FRI *)", "2026-02-02 20:00"),
        ("cron(0 8 1 * ? *)", "2026-02-01 08:00"),
        ("cron(0 8 L * ? *)", "2026-02-28 08:00"),
        ("cron(0 8 LW * ? *)", "2026-02-27 08:00"),
        ("cron(0 8 15W * ? *)", "2026-02-16 08:00"),
        ("cron(0 8 1W * ? *)", "2026-02-02 08:00"),
        ("cron(0 2 ? * SAT#3 *)", "2026-02-21 02:00"),
        ("cron(15 10 ? * 6L *)", "2026-02-27 10:15"),
        ("cron(0 0 ? * L *)", "2026-02-07 00:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00"),
        ("cron(0 0 1 JAN,JUL ? 2027)", "2027-01-01 00:00"),
        ("cron(15 10 ? * 6L 2002-2005)", "never"),
        ("cron(0 0 31 2 ? *)", "never"),
        ("rate(5 minutes)", "2026-01-31 12:05"),
        ("rate(1 day)", "2026-02-01 12:00"),
        ("at(2026-03-01T08:00:00)", "2026-03-01 08:00"),
        ("at(2026-01-31T12:00:00)", "never"),
    ],
)
def test_a_schedule_is_due_when_its_expression_says(expression: str, first: str) -> None:
    assert due(expression) == first


def test_a_rate_is_counted_from_the_start() -> None:
    start = datetime(2026, 1, 31, 11, 58, tzinfo=UTC)
    found = of_rule("rate(5 minutes)").next(SATURDAY, start, UTC)
    assert found == datetime(2026, 1, 31, 12, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "first"),
    [
        ("cron(0 8 * * ? *)", SATURDAY, "2026-02-01 07:00"),
        ("at(2026-07-01T08:00:00)", SATURDAY, "2026-07-01 06:00"),
        # At 2:00 on 29 March the clocks go to 3:00; at 3:00 on 25 October, back to 2:00.
        ("cron(30 2 * * ? *)", datetime(2026, 3, 28, 12, tzinfo=UTC), "2026-03-30 00:30"),
        ("cron(30 2 * * ? *)", datetime(2026, 10, 24, 12, tzinfo=UTC), "2026-10-25 00:30"),
        ("cron(30 2 * * ? *)", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-26 01:30"),
    ],
)
def test_an_expression_is_read_in_its_time_zone(
    expression: str, after: datetime, first: str
) -> None:
    assert due(expression, after=after, zone="Europe/Berlin") == first


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(0 minutes)", "rate(1.5 hours)", "rate(5  minutes)", "rate(5 minutes) ", ""),
        *("cron(60 * * * ? *)", "cron(* 24 * * ? *)", "cron(* * 32 * ? *)", "cron(* * 0 * ? *)"),
        *("cron(* * * 13 ? *)", "cron(* * ? * 8 *)", "cron(* * ? * 0 *)", "cron(* * * * ? 1969)"),
        *("cron(0/0 * * * ? *)", "cron(5-2 * * * ? *)", "cron(*-5 * * * ? *)", "cron(, * * * ? *)"),
        *("cron(? * * * ? *)", "cron(* * ? * ? *)", "cron(* * * * ?)", "cron(* * ? * MON#6 *)"),
        *("cron(* * 32W * ? *)", "cron(* * XW * ? *)", "at(2026-02-30T00:00:00)", "at(now)"),
    ],
)
def test_a_wrong_expression_is_refused(expression: str) -> None:
    with pytest.raises(InvalidScheduleError):
        of_scheduler(expression)
    with pytest.raises(InvalidScheduleError):
        of_rule(expression)


def test_a_rule_knows_no_single_moment() -> None:
    with pytest.raises(InvalidScheduleError):
        of_rule("at(2026-03-01T08:00:00)")
