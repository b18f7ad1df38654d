"""Tests of reading an order's logs; they never decide its status."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from tests.workshop.test_journey import ACCOUNT, PUBLISHED, clock, follow
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.journeys import logs, order_rows
from workshop.journeys.waterfall import FROM_LOGS_ALONE, Result

__all__ = ["clock", "follow"]

PLACED = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def refused(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "FilterLogEvents")


class FakeLogs:
    """CloudWatch Logs with a line or an error for each group."""

    def __init__(self, groups):
        self.groups = groups
        self.queries = []

    def get_paginator(self, _):
        return self

    def paginate(self, **query):
        self.queries.append(query)
        return self.pages(self.groups[query["logGroupName"].rpartition("/")[2]])

    @staticmethod
    def pages(line):
        yield {"events": []}  # AWS may find nothing at first
        if isinstance(line, Exception):
            raise line
        yield {"events": [{"message": line}]}


@pytest.fixture
def hops(monkeypatch):
    """Read an order's hops from fake log groups; return the hops and the queries."""

    def read(groups, row):
        fake = FakeLogs(groups)
        monkeypatch.setattr(Target, "client", lambda *_: fake)
        monkeypatch.setattr(order_rows, "row_of", lambda *_: row)
        outputs = Outputs("", "bus", "us-east-1", {each: each for each in groups}, {}, {})
        return logs.hops(Stack(ACCOUNT, 4, outputs), "ord_1"), fake.queries

    return read


LINE = f'{{"timestamp": "{PLACED.isoformat()}", "message": "consumed", "event_id": "ord_1/x"}}'


@pytest.mark.parametrize("code", ["ThrottlingException", "Throttling", "ResourceNotFoundException"])
def test_throttled_or_missing_log_is_left_out(hops, code):
    found, _ = hops({"payment": refused(code), "inventory": LINE}, None)
    assert [each.function for each in found] == ["inventory"]


def test_other_error_of_logs_is_raised(hops):
    with pytest.raises(ClientError, match="AccessDenied"):
        hops({"payment": refused("AccessDenied")}, None)


@pytest.mark.parametrize(
    ("row", "since"),
    [
        ({"placed_at": "2026-01-15T09:30:00.000Z"}, PLACED - timedelta(minutes=1)),
        ({"placed_at": "2999-01-01T00:00:00.000Z"}, None),  # published manually
        ({"placed_at": "yesterday"}, None),
        ({"placed_at": "2026-01-15T09:30:00"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_logs_are_read_from_shortly_before_the_order(hops, row, since):
    _, queries = hops({"payment": LINE, "shipping": LINE}, row)
    expected = None if since is None else int(since.timestamp() * 1000)
    assert [each.get("startTime") for each in queries] == [expected, expected]


def fail(error):
    def hops():
        raise error

    return hops


@pytest.mark.parametrize(
    "error", [refused("AccessDenied"), EndpointConnectionError(endpoint_url="http://x")]
)
def test_order_is_followed_when_its_logs_cannot_be_read(follow, capsys, error):
    reads = [[PUBLISHED], fail(error)]
    output = follow(["PAID", "PAID", "REFUNDED"], reads, idle=False, target=ACCOUNT)
    assert output == [PUBLISHED]
    assert capsys.readouterr().err.count("The logs cannot be read") == 1


def test_order_that_is_settled_while_logs_are_read_is_not_stalled(follow, clock):
    def slow():
        clock.now += 3600
        return [PUBLISHED]

    assert follow(["PAID", "REFUNDED"], [slow, [PUBLISHED]], idle=False, target=ACCOUNT)


def test_account_is_polled_less_often_than_the_local_cloud(follow, clock):
    follow(["PAID", "REFUNDED"], [[]], idle=False)
    here = clock.passed
    follow(["PAID", "REFUNDED"], [[]], idle=False, target=ACCOUNT)
    assert clock.passed - here == here * 8


OWN = Target.local("default", "http://127.0.0.1:9")
DELIVERED = Origin("e1", "ord_1/x", "ord_1")
RECORDS = [
    Delivery(name, Outcome.DROPPED, DELIVERED, time=PLACED.isoformat())
    for name in ("live-payment", "of-another-stack")
]


@pytest.mark.parametrize(
    ("target", "results", "notes"),
    [(OWN, [Result.DROPPED], ()), (ACCOUNT, [], (FROM_LOGS_ALONE,))],
    ids=["local cloud", "account"],
)
def test_waterfall_uses_delivery_records_where_there_are_some(monkeypatch, target, results, notes):
    """Those of the stack's functions; an account has none, and the waterfall says so."""
    control = SimpleNamespace(deliveries=lambda _: RECORDS)
    monkeypatch.setattr(logs.delivery_records.injected_faults, "switch", lambda _: control)
    monkeypatch.setattr(logs, "hops", lambda *_: [PUBLISHED])
    outputs = Outputs("", "bus", "us-east-1", {"payment": "live-payment"}, {}, {})
    found = logs.waterfall(Stack(target, 4, outputs), "ord_1")
    assert [run.result for run in found.runs if run.function != "order-api"] == results
    assert {run.function for run in found.runs} <= {"order-api", "payment"}
    assert found.notes == notes
