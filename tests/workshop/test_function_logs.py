"""The functions' logs as a person reads them."""

import json

import pytest

from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.orders import function_logs
from workshop.orders.function_logs import LogLine

ORDER = "ord_1"


def said(message, at="2026-01-01T10:00:00.100+00:00", **more):
    return json.dumps({"level": "INFO", "message": message, "timestamp": at} | more)


INVOCATION = (
    "START RequestId: 1 Version: $LATEST",
    said("consumed", correlation_id=ORDER, event_id=f"{ORDER}/order-created"),
    said("tracked", correlation_id=ORDER, event_id=f"{ORDER}/x", moved_to="PAID"),
    said("failed", level="ERROR", error="KeyError", reason="amount"),
    "Traceback, in plain words",
    '{"_aws": {"Timestamp": 1}, "consumed": [1.0]}',
    "END RequestId: 1",
    "REPORT RequestId: 1",
)
LATE = 1_767_261_600_500
"""All lines of an invocation share the time of its end, locally: 10:00:00.500."""


def lines(*messages, function="payment", at=LATE):
    return [LogLine(at, function, message) for message in messages]


def test_as_written_keeps_the_order_of_writing():
    told = list(function_logs.as_written(lines(*INVOCATION)))
    assert [text.partition("payment")[2].strip() for text in told] == list(INVOCATION)


def test_readable_leaves_out_what_lambda_says_and_metrics():
    assert [text.split() for text in function_logs.readable(lines(*INVOCATION))] == [
        ["10:00:00.100", "payment", "INFO", "consumed", ORDER, "order-created"],
        ["10:00:00.100", "payment", "INFO", "tracked", ORDER, "x", "→", "PAID"],
        ["10:00:00.100", "payment", "ERROR", "failed", "–", "KeyError:", "amount"],
        ["10:00:00.500", "payment", "Traceback,", "in", "plain", "words"],
    ]


def test_readable_follows_the_time_of_saying():
    later = lines(said("second", at="2026-01-01T10:00:00.200+00:00"), at=LATE - 200)
    first = lines(said("first"), function="inventory")
    told = list(function_logs.readable([*later, *first]))
    assert ["first" in told[0], "second" in told[1]] == [True, True]


class FakeLogs:
    """Answers with the same lines, whatever is asked."""

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


def test_two_lines_alike_are_two_lines(read):
    found = read(FakeLogs(["same", "same", "other"]))
    assert [line.message for line in found] == ["same", "same", "other"]
    assert len(set(found)) == 3


def test_an_order_is_looked_for_by_its_id(read):
    fake = FakeLogs([])
    read(fake, ORDER)
    assert fake.asked["filterPattern"] == f'"{ORDER}"'
    read(fake)
    assert "filterPattern" not in fake.asked
