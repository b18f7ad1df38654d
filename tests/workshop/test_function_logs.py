"""Tests of reading and formatting the functions' logs."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from workshop.commands import observe
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.orders import function_logs
from workshop.orders.function_logs import LogLine, ThrottledError

ORDER = "ord_1"


def line(message, at="2026-01-01T10:00:00.100+00:00", **more):
    return json.dumps({"level": "INFO", "message": message, "timestamp": at} | more)


INVOCATION = (
    "START RequestId: 1 Version: $LATEST",
    line("consumed", correlation_id=ORDER, event_id=f"{ORDER}/order-created"),
    line("tracked", correlation_id=ORDER, event_id=f"{ORDER}/x", moved_to="PAID"),
    line("failed", level="ERROR", error="KeyError", reason="amount"),
    "Traceback, in plain words",
    '{"_aws": {"Timestamp": 1}, "consumed": [1.0]}',
    "END RequestId: 1",
    "REPORT RequestId: 1",
)
LATE = 1_767_261_600_500
"""On the local cloud all lines of an invocation have the time of its end: 10:00:00.500."""


def lines(*messages, function="payment", at=LATE):
    return [LogLine(at, function, message) for message in messages]


def test_as_written_keeps_the_order_of_writing():
    found = list(function_logs.as_written(lines(*INVOCATION)))
    assert [text.partition("payment")[2].strip() for text in found] == list(INVOCATION)


def test_readable_leaves_out_lines_of_lambda_and_metrics():
    assert [text.split() for text in function_logs.readable(lines(*INVOCATION))] == [
        ["10:00:00.100", "payment", "INFO", "consumed", ORDER, "order-created"],
        ["10:00:00.100", "payment", "INFO", "tracked", ORDER, "x", "→", "PAID"],
        ["10:00:00.100", "payment", "ERROR", "failed", "–", "KeyError:", "amount"],
        ["10:00:00.500", "payment", "Traceback,", "in", "plain", "words"],
    ]


def test_readable_is_sorted_by_the_time_in_the_line():
    later = lines(line("second", at="2026-01-01T10:00:00.200+00:00"), at=LATE - 200)
    first = lines(line("first"), function="inventory")
    found = list(function_logs.readable([*later, *first]))
    assert ["first" in found[0], "second" in found[1]] == [True, True]


class FakeLogs:
    """Returns the same lines for every query."""

    def __init__(self, messages):
        self.events = [{"timestamp": LATE, "message": message} for message in messages]
        self.asked = {}

    def get_paginator(self, _):
        return self

    def paginate(self, **query):
        self.asked = query
        return [{"events": self.events}]


@pytest.fixture
def read(monkeypatch):
    def run(fake, order_id=None):
        monkeypatch.setattr(Target, "client", lambda *_: fake)
        outputs = Outputs("", "bus", "us-east-1", {}, {}, {})
        stack = Stack(Target.local("default", "http://127.0.0.1:9"), 4, outputs)
        return function_logs.read(stack, "payment", "orderflow-payment", 0, order_id)

    return run


def test_equal_lines_are_kept(read):
    found = read(FakeLogs(["same", "same", "other"]))
    assert [line.message for line in found] == ["same", "same", "other"]
    assert len(set(found)) == 3


def test_logs_are_filtered_by_the_order_id(read):
    fake = FakeLogs([])
    read(fake, ORDER)
    assert fake.asked["filterPattern"] == f'"{ORDER}"'
    read(fake)
    assert "filterPattern" not in fake.asked


@pytest.mark.parametrize(
    ("code", "kind"), [("ThrottlingException", ThrottledError), ("AccessDenied", WorkshopError)]
)
def test_only_a_throttled_read_is_retried(read, code, kind):
    class Refusing(FakeLogs):
        def paginate(self, **_):
            raise ClientError({"Error": {"Code": code}}, "FilterLogEvents")

    with pytest.raises(WorkshopError) as caught:
        read(Refusing([]))
    assert type(caught.value) is kind


@pytest.fixture
def logs(monkeypatch):
    """Run `logs` with the outcome of each read; return the reads."""

    def run(outcomes, *, placed=None, **options):
        def read(_stack, key, _name, since, _order):
            asked.append((key, since))
            found = outcomes.pop(0)
            if isinstance(found, BaseException):
                raise found
            return found

        clock = SimpleNamespace(now=1_000_000.0)
        clock.time = lambda: clock.now
        clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
        monkeypatch.setattr(observe, "time", clock)
        monkeypatch.setattr(observe, "read", read)
        outputs = Outputs("", "bus", "us-east-1", dict.fromkeys(("payment", "shipping")), {}, {})
        target = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)
        monkeypatch.setattr(observe, "current", lambda: Stack(target, 4, outputs))
        monkeypatch.setattr(observe, "logged_since", lambda *_: placed)
        observe.logs(**options)

    asked = run.asked = []
    return run


def test_throttled_log_is_read_again_until_it_is_shown(logs, capsys):
    found = lines(line("consumed"))
    logs([ThrottledError(), [], ThrottledError(), found])
    assert [key for key, _ in logs.asked] == ["payment", "shipping", "payment", "payment"]
    assert len({since for _, since in logs.asked}) == 1, "nothing is skipped"
    assert "consumed" in capsys.readouterr().out


def test_followed_logs_are_read_from_two_minutes_ago(logs):
    """The first round reads ten minutes; after a throttled read the next one does."""
    with pytest.raises(KeyboardInterrupt):
        logs([[], ThrottledError(), [], [], KeyboardInterrupt()], follow=True)
    ages = [(key, 1_000_000 - since / 1000) for key, since in logs.asked]
    assert ages == [
        ("payment", 600),
        ("shipping", 600),
        ("payment", 120),
        ("shipping", 600),
        ("payment", 118),
    ]


@pytest.mark.parametrize(
    ("options", "placed", "start", "period"),
    [
        ({"order": ORDER}, 500_000, 500_000, "about ord_1 since it was placed"),
        ({"order": ORDER}, None, 999_400, "about ord_1 in the last 10 minutes"),
        ({"order": ORDER, "minutes": 2}, 500_000, 999_880, "about ord_1 in the last 2 minutes"),
        ({}, 500_000, 999_400, "in the last 10 minutes"),
    ],
)
def test_log_of_an_order_is_read_since_it_was_placed(logs, capsys, options, placed, start, period):
    logs([[], []], placed=placed and datetime.fromtimestamp(placed, UTC), **options)
    assert {since / 1000 for _, since in logs.asked} == {start}
    assert capsys.readouterr().err == f"Nothing was logged {period}.\n"
