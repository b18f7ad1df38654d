"""Schedule expressions: what EventBridge and EventBridge Scheduler accept, and when they are due.

Sources: EventBridge User Guide, "Cron and rate expressions"; EventBridge Scheduler User Guide,
"Schedule types"; LocalStack's recorded refusals (test_events_schedule, test_scheduler).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((\S+(?: +\S+){5})\)")
_ITEM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")

_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

_SATURDAY = 7
_LAST_YEAR = 2199


class InvalidScheduleError(ValueError):
    """AWS refuses the expression."""


@dataclass(frozen=True)
class Rate:
    """A fixed interval.

    Attributes:
        seconds: Its length.
    """

    seconds: int

    def next(self, after: datetime, start: datetime, zone: tzinfo) -> datetime:  # noqa: ARG002
        """Return the first time after a moment; the times are counted from the start."""
        passed = (after - start).total_seconds()
        count = max(0, passed // self.seconds + 1)
        return start + timedelta(seconds=count * self.seconds)


@dataclass(frozen=True)
class At:
    """One moment.

    Attributes:
        moment: As it reads on a clock of the schedule's time zone.
    """

    moment: datetime

    def next(self, after: datetime, start: datetime, zone: tzinfo) -> datetime | None:  # noqa: ARG002
        """Return the moment, unless it is over."""
        moment = self.moment.replace(tzinfo=zone).astimezone(UTC)
        return moment if moment > after else None


@dataclass(frozen=True)
class Cron:
    """The times on a clock and a calendar that a cron expression names.

    Attributes:
        minutes: Of the hour.
        hours: Of the day.
        months: From 1.
        years: In order.
        days_of_month: The field as it was written, `?` if days of the week are named.
        days_of_week: The other way round.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: tuple[int, ...]
    days_of_month: str
    days_of_week: str

    def next(self, after: datetime, start: datetime, zone: tzinfo) -> datetime | None:  # noqa: ARG002
        """Return the first time after a moment; None when there is none left.

        A time that daylight saving skips is not one; of an hour that comes twice, the first counts.
        """
        for day in self._days(after.astimezone(zone).date()):
            for hour in self.hours:
                for minute in self.minutes:
                    wall = datetime.combine(day, time(hour, minute), zone)
                    found = wall.astimezone(UTC)
                    if found > after and found.astimezone(zone).time() == wall.time():
                        return found
        return None

    def _days(self, first: date) -> Iterator[date]:
        for year in self.years:
            if year < first.year:
                continue
            for month in sorted(self.months):
                for day in range(1, _last_day(year, month) + 1):
                    one = date(year, month, day)
                    if one >= first and self._is_named(one):
                        yield one

    def _is_named(self, day: date) -> bool:
        if self.days_of_week == "?":
            return any(_fits_month(item, day) for item in self.days_of_month.split(","))
        return any(_fits_week(item, day) for item in self.days_of_week.split(","))


Schedule = Rate | At | Cron


@lru_cache(maxsize=1024)
def of_rule(expression: str) -> Schedule:
    """Return the schedule of a rule.

    Raises:
        InvalidScheduleError: PutRule refuses the expression.
    """
    if (rate := _RATE.fullmatch(expression)) and (rate[3] == "s") != (int(rate[1]) != 1):
        raise InvalidScheduleError(expression)  # a rule wants `1 minute` and `2 minutes`
    schedule = of_scheduler(expression)
    if isinstance(schedule, At):
        raise InvalidScheduleError(expression)
    return schedule


@lru_cache(maxsize=1024)
def of_scheduler(expression: str) -> Schedule:
    """Return the schedule of an EventBridge Scheduler's schedule.

    Raises:
        InvalidScheduleError: CreateSchedule refuses the expression.
    """
    try:
        if rate := _RATE.fullmatch(expression):
            return _rate(int(rate[1]) * _SECONDS[rate[2]])
        if at := _AT.fullmatch(expression):
            return At(datetime.fromisoformat(at[1]))
        if cron := _CRON.fullmatch(expression):
            return _cron(*cron[1].upper().split())
    except ValueError as error:
        raise InvalidScheduleError(expression) from error
    raise InvalidScheduleError(expression)


def _rate(seconds: int) -> Rate:
    if not seconds:
        msg = "never"
        raise ValueError(msg)
    return Rate(seconds)


def _cron(minute: str, hour: str, month_day: str, month: str, week_day: str, year: str) -> Cron:
    """Return the times that six fields name.

    Raises:
        ValueError: A field is invalid, or not exactly one of the two fields for days is `?`.
    """
    if (month_day == "?") == (week_day == "?"):
        msg = "one of the fields for days must be ?"
        raise ValueError(msg)
    cron = Cron(
        minutes=_values(minute, 0, 59),
        hours=_values(hour, 0, 23),
        months=frozenset(_values(month, 1, 12, _MONTHS)),
        years=_values(year, 1970, _LAST_YEAR),
        days_of_month=month_day,
        days_of_week=week_day,
    )
    any_day = date(2000, 1, 1)
    for item in month_day.split(","):
        _fits_month(item, any_day)  # raises ValueError if it is none
    for item in week_day.split(","):
        _fits_week(item, any_day)
    return cron


def _values(field: str, low: int, high: int, names: list[str] | None = None) -> tuple[int, ...]:
    """Return the numbers that a field names, in order.

    Raises:
        ValueError: The field is invalid.
    """
    found: set[int] = set()
    for item in field.split(","):
        if (parts := _ITEM.fullmatch(item)) is None:
            msg = f"{item} is no value"
            raise ValueError(msg)
        first, last, step = parts.groups()
        if first == "*" and last:
            msg = f"{item} is no range"
            raise ValueError(msg)
        start = low if first == "*" else _number(first, low, high, names)
        end = high if first == "*" or step else start
        if last:
            end = _number(last, start, high, names)
        found.update(range(start, end + 1, int(step or 1)))  # a step of 0 is a ValueError
    return tuple(sorted(found))


def _number(text: str, low: int, high: int, names: list[str] | None) -> int:
    """Return a number, or a name's place in the list.

    Raises:
        ValueError: It is none, or it is out of range.
    """
    value = names.index(text) + 1 if names and text in names else int(text)
    if not low <= value <= high:
        msg = f"{text} is out of range"
        raise ValueError(msg)
    return value


def _fits_month(item: str, day: date) -> bool:
    """Return whether an item of the field for days of the month names a day.

    Raises:
        ValueError: It is no such item.
    """
    last = _last_day(day.year, day.month)
    if item == "?":
        return False
    if item == "L":
        return day.day == last
    if item == "LW":
        return day == _weekday_near(day.replace(day=last))
    if item.endswith("W"):
        wanted = min(_number(item[:-1], 1, 31, None), last)
        return day == _weekday_near(day.replace(day=wanted))
    return day.day in _values(item, 1, 31)


def _fits_week(item: str, day: date) -> bool:
    """Return whether an item of the field for days of the week names a day.

    Raises:
        ValueError: It is no such item.
    """
    week_day = day.isoweekday() % 7 + 1  # AWS counts from Sunday, 1
    if item == "?":
        return False
    if item == "L":
        return week_day == _SATURDAY
    if "#" in item:
        name, _, place = item.partition("#")
        nth = _number(place, 1, 5, None)
        return week_day == _number(name, 1, 7, _DAYS) and (day.day - 1) // 7 + 1 == nth
    if item.endswith("L"):
        wanted = _number(item[:-1], 1, 7, _DAYS)
        return week_day == wanted and day.day + 7 > _last_day(day.year, day.month)
    return week_day in _values(item, 1, 7, _DAYS)


def _weekday_near(day: date) -> date:
    """Return the weekday nearest to a day, in the same month."""
    if day.isoweekday() == 6:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.isoweekday() == 7:
        last = day.day == _last_day(day.year, day.month)
        return day - timedelta(days=2) if last else day + timedelta(days=1)
    return day


def _last_day(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day
