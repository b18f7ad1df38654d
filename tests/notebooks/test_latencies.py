"""Latencies: each hop of each order is measured once, and the hops add up to the journey."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from workshop.errors import WorkshopError
from workshop.notebooks.latencies import (
    MARKS,
    WHOLE,
    hops_by_order,
    latencies,
    latency_table,
)
from workshop.orders.function_logs import LogLine
from workshop.orders.journey import Hop

START = datetime(2026, 1, 15, 10, tzinfo=UTC)
DURATIONS = (6, 11, 7, 9, 8, 5, 13)


def journey(durations=DURATIONS):
    """The hops of an order that ships; durations are the milliseconds between two of them."""
    at, hops = START, []
    for mark, milliseconds in zip(MARKS, (0, *durations), strict=True):
        at += timedelta(milliseconds=milliseconds)
        hops.append(Hop(at, *mark))
    tracked = hops.pop()
    status = f"{tracked.step} → SHIPMENT_PREPARED"
    return [*hops, Hop(tracked.at, tracked.function, tracked.what, status)]


def test_each_way_and_each_work_is_measured():
    assert latencies([journey()]) == {
        "order-api → payment": [6],
        "payment": [11],
        "payment → inventory": [7],
        "inventory": [9],
        "inventory → shipping": [8],
        "shipping": [5],
        "shipping → order-tracker": [13],
        WHOLE: [59],
    }


def test_the_hops_of_an_order_add_up_to_its_journey():
    found = latencies([journey(), journey((9, 9, 9, 9, 9, 9, 9))])
    *hops, whole = found.values()
    assert [sum(each) for each in zip(*hops, strict=True)] == pytest.approx(whole)


def test_what_comes_again_is_not_measured():
    """A second delivery, minutes later, does not make the first one slow."""
    late = START + timedelta(minutes=5)
    again = [
        Hop(late, "shipping", "consumed", "stock-reserved"),
        Hop(late, "shipping", "published again", "shipment-prepared"),
        Hop(late, "order-tracker", "tracked", "shipment-prepared (no change)"),
    ]
    assert latencies([journey() + again]) == latencies([journey()])


def test_an_order_that_did_not_ship_counts_nowhere():
    assert latencies([journey()[:4], journey()]) == latencies([journey()])


def test_no_order_that_shipped_is_told_in_a_sentence():
    with pytest.raises(WorkshopError, match="shipment"):
        latencies([journey()[:4]])


def test_the_table_has_units():
    """Without them nbval would compare measured figures."""
    found = latency_table({"payment": [10.0, 20.0, 30.0], WHOLE: [100.4]})
    assert found.loc["payment"].tolist() == ["20 ms", "28 ms"]
    assert found.index.tolist() == ["payment", WHOLE]


def line(order_id, function="payment", message="consumed"):
    told = {
        "timestamp": "2026-01-15T10:00:00.000+00:00",
        "message": message,
        "correlation_id": order_id,
        "event_id": f"{order_id}/order-created",
    }
    return LogLine(0, function, json.dumps(told))


def test_log_lines_are_sorted_to_their_orders():
    lines = [line("a"), line("b"), line("a", "inventory"), line("c"), LogLine(0, "payment", "END")]
    found = hops_by_order(lines, ["a", "b"])
    assert {order_id: len(hops) for order_id, hops in found.items()} == {"a": 2, "b": 1}


def test_a_line_that_comes_twice_is_one_hop():
    assert len(hops_by_order([line("a"), line("a")], ["a"])["a"]) == 1


def test_an_order_that_nobody_speaks_of_has_no_hops():
    assert hops_by_order([line("a")], ["b"]) == {"b": []}
