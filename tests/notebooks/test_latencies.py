"""Tests of latencies: each hop is measured once, and the hops add up to the journey."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from workshop.errors import WorkshopError
from workshop.journeys.hops import Hop
from workshop.notebooks.latencies import (
    JOURNEY,
    hops_by_order,
    latencies,
    latency_table,
    marks,
)
from workshop.orders.function_logs import LogLine
from workshop.stages import Function, flow

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
DURATIONS = (6, 11, 7, 9, 8, 5, 13)


def journey(durations=DURATIONS):
    """Return the hops of an order that ships; durations are the milliseconds between them."""
    at, hops = START, []
    for mark, milliseconds in zip(marks(), (0, *durations), strict=True):
        at += timedelta(milliseconds=milliseconds)
        hops.append(Hop(at, *mark))
    tracked = hops.pop()
    status = f"{tracked.step} → SHIPMENT_PREPARED"
    return [*hops, Hop(tracked.at, tracked.function, tracked.what, status)]


def test_each_delivery_and_each_execution_is_measured():
    assert latencies([journey()]) == {
        "order-api → payment": [6],
        "payment": [11],
        "payment → inventory": [7],
        "inventory": [9],
        "inventory → shipping": [8],
        "shipping": [5],
        "shipping → order-tracker": [13],
        JOURNEY: [59],
    }


def test_hops_of_an_order_add_up_to_its_journey():
    found = latencies([journey(), journey((9, 9, 9, 9, 9, 9, 9))])
    *hops, total = found.values()
    assert [sum(each) for each in zip(*hops, strict=True)] == pytest.approx(total)


def test_second_delivery_is_not_measured():
    """It comes minutes later, and does not make the first one slow."""
    late = START + timedelta(minutes=5)
    again = [
        Hop(late, "shipping", "consumed", "stock-reserved"),
        Hop(late, "shipping", "published again", "shipment-prepared"),
        Hop(late, "order-tracker", "tracked", "shipment-prepared (no change)"),
    ]
    assert latencies([journey() + again]) == latencies([journey()])


def test_order_that_did_not_ship_is_not_measured():
    assert latencies([journey()[:4], journey()]) == latencies([journey()])


def test_error_is_raised_when_no_order_shipped():
    with pytest.raises(WorkshopError, match="shipment"):
        latencies([journey()[:4]])


def test_latency_table_has_units():
    """Without units nbval would compare measured numbers."""
    found = latency_table({"payment": [10.0, 20.0, 30.0], JOURNEY: [100.4]})
    assert found.loc["payment"].tolist() == ["20 ms", "28 ms"]
    assert found.index.tolist() == ["payment", JOURNEY]


def line(order_id, function="payment", message="consumed"):
    fields = {
        "timestamp": "2026-01-15T10:00:00.000+00:00",
        "message": message,
        "correlation_id": order_id,
        "event_id": f"{order_id}/order-created",
    }
    return LogLine(0, function, json.dumps(fields))


def test_log_lines_are_grouped_by_order():
    lines = [line("a"), line("b"), line("a", "inventory"), line("c"), LogLine(0, "payment", "END")]
    found = hops_by_order(lines, ["a", "b"])
    assert {order_id: len(hops) for order_id, hops in found.items()} == {"a": 2, "b": 1}


def test_repeated_line_is_one_hop():
    assert len(hops_by_order([line("a"), line("a")], ["a"])["a"]) == 1


def test_order_without_log_lines_has_no_hops():
    assert hops_by_order([line("a")], ["b"]) == {"b": []}


def test_journey_ends_with_the_last_status_not_with_a_later_service(monkeypatch):
    """A service that changes no status follows the shipment, and not every stack has it."""
    loyalty = Function("loyalty", 7, "#5c3c92", ("shipment-prepared",), ("points-awarded",))
    longer = replace(flow(), good_path=(*flow().good_path, loyalty))
    expected = marks()
    monkeypatch.setitem(marks.__wrapped__.__globals__, "flow", lambda: longer)
    assert marks.__wrapped__() == expected
