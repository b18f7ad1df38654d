"""Tests of items and hops as tables."""

from datetime import UTC, datetime, timedelta

from workshop.journeys.hops import Hop
from workshop.notebooks.tables import NOTHING, hop_table, table

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_items_become_rows_of_the_given_columns():
    """A missing attribute is marked."""
    items = [
        {"order_id": "a", "total": 2900, "rate": 0.5, "more": "x"},
        {"order_id": "b", "lines": {"MOUSE": 2, "KEYBOARD": 1}},
    ]
    frame = table(items, "order_id", "total", "rate", "lines")
    assert list(frame.index) == ["a", "b"]
    assert list(frame.columns) == ["total", "rate", "lines"]
    assert frame.values.tolist() == [
        [2900, 0.5, NOTHING],
        [NOTHING, NOTHING, "MOUSE 2, KEYBOARD 1"],
    ]


def test_table_without_items_is_empty():
    assert table([], "order_id", "total").shape == (0, 1)


def test_hop_table_leaves_out_the_tracker():
    hops = [
        Hop(START, "order-api", "published", "order-created"),
        Hop(START + timedelta(milliseconds=3), "order-tracker", "tracked", "order-created"),
        Hop(START + timedelta(milliseconds=12.4), "payment", "consumed", "order-created"),
    ]
    frame = hop_table(hops)
    assert list(frame.index) == ["0 ms", "12 ms"]
    assert list(frame["function"]) == ["order-api", "payment"]
