"""A stack in an account, as far as its functions' logs show it."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from local_cloud.delivery.delivery_log import Outcome
from workshop.board.event_list import EventList, State
from workshop.board.log_source import LineReader, LogSource, _types
from workshop.board.source import Cursor
from workshop.orders.function_logs import LogLine
from workshop.stages import flow

NAMES = {"order-api": "o-api", "payment": "o-payment", "order-tracker": "o-tracker"}
KEYS = {name: key for key, name in NAMES.items()}


def line(key, message, *, at=0, request="r1", **fields):
    text = {
        "timestamp": f"2026-01-01T00:00:00.{at:03}+00:00",
        "message": message,
        "function_request_id": request,
        "correlation_id": "ord_1",
        **fields,
    }
    return LogLine(at, key, json.dumps(text))


def listed(*lines):
    events = EventList()
    events.add(LineReader().records(lines, NAMES))
    return {
        each.step: {c.name: c.state for c in each.consumers(KEYS)} for each in events.newest_first()
    }


def test_every_step_of_the_flow_has_an_event_type():
    assert set(flow().steps) <= set(_types())


def test_a_published_event_waits_for_its_usual_consumers():
    lines = listed(line("order-api", "published", event_id="ord_1/order-created"))
    assert lines == {"order-created": {"payment": State.WAITING, "order-tracker": State.WAITING}}


def test_an_event_is_delivered_when_its_consumer_publishes():
    lines = listed(
        line("order-api", "published", event_id="ord_1/order-created"),
        line("payment", "consumed", request="r2", event_id="ord_1/order-created"),
        line("payment", "published", request="r2", event_id="ord_1/payment-declined"),
        line("order-tracker", "tracked", request="r3", event_id="ord_1/order-created"),
    )
    assert lines["order-created"] == {
        "payment": State.DELIVERED,
        "order-tracker": State.DELIVERED,
    }
    assert lines["payment-declined"] == {"order-tracker": State.WAITING}


def test_a_failure_belongs_to_the_event_that_its_invocation_received():
    consumed = line("payment", "consumed", request="r2", event_id="ord_1/order-created")
    failed = line("payment", "failed", request="r2", error="GatewayError")
    *_, last = LineReader().records([consumed, failed, consumed, failed], NAMES)
    assert (last.outcome, last.attempt, last.reason) == (Outcome.FAILED, 2, "GatewayError")
    assert listed(consumed, failed)["order-created"] == {"payment": State.FAILED}


@pytest.mark.parametrize("text", ["START RequestId: 1", "{}", "[1]", '{"message": 3}', "null"])
def test_a_line_of_another_kind_is_left_out(text):
    assert list(LineReader().records([LogLine(0, "payment", text)], NAMES)) == []


class _Logs:
    """Answers FilterLogEvents with the same lines each time, or throttles."""

    def __init__(self, lines):
        self.lines = lines
        self.throttled = False
        self.requests = 0

    def get_paginator(self, _):
        return self

    def paginate(self, *, logGroupName, **_):  # noqa: N803 - boto3's
        self.requests += 1
        if self.throttled:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "FilterLogEvents")
        key = KEYS[logGroupName.removeprefix("/aws/lambda/")]
        found = [each for each in self.lines if each.function == key]
        return [{"events": [{"timestamp": e.milliseconds, "message": e.message} for e in found]}]


def source(logs):
    outputs = SimpleNamespace(function_names=NAMES)
    stack = SimpleNamespace(outputs=outputs, client=lambda _: logs)
    pauses = []
    return LogSource("aws-1-x", stack_of=lambda _: stack, sleep=pauses.append), pauses


def test_a_line_is_read_once_and_requests_are_paced():
    logs = _Logs([line("order-api", "published", event_id="ord_1/order-created")])
    reader, pauses = source(logs)
    assert len(reader.read(Cursor(), 0).records) == 1
    assert len(pauses) == logs.requests == len(NAMES)
    reader._next_read = 0
    assert reader.read(Cursor(), 0).records == ()


def test_a_read_before_the_pause_is_over_sends_no_request():
    logs = _Logs([])
    reader, _ = source(logs)
    reader.read(Cursor(), 0)
    before = logs.requests
    assert reader.read(Cursor(), 0).records == ()
    assert logs.requests == before


def test_a_throttled_read_loses_nothing():
    logs = _Logs([line("order-api", "published", event_id="ord_1/order-created")])
    reader, _ = source(logs)
    logs.throttled = True
    assert reader.read(Cursor(), 0).records == ()
    logs.throttled, reader._next_read = False, 0
    assert len(reader.read(Cursor(), 0).records) == 1
