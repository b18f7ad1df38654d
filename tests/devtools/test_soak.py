"""The soak's own judgement: it finds what it is there to find. The soak itself is `make soak`."""

import copy
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from devtools import charts
from devtools.soak import books, picture, record
from devtools.soak.orders import SCARCE, Wanted, initial_stock, wanted
from devtools.soak.run import Result
from devtools.soak.sampling import Latencies, Sample, memory_in
from local_cloud.delivery.change_log import BusEvent, Changes

SHIPPED = Wanted({"MOUSE": 2}, "tok_approved", frozenset({"SHIPMENT_PREPARED"}))
OUT = Wanted({SCARCE: 1}, "tok_approved", frozenset({"SHIPMENT_PREPARED", "REFUNDED"}))
ORDERS = {"one": SHIPPED, "two": OUT}
STOCK = {"MOUSE": 10, SCARCE: 0}


@pytest.fixture
def tables():
    """The rows of an order that is shipped, and of one that is refunded."""
    lines = [{"sku": "MOUSE", "quantity": 2, "unit_price": 50}]
    scarce = [{"sku": SCARCE, "quantity": 1, "unit_price": 70}]

    def order(order_id, status, lines, total):
        row = {"order_id": order_id, "status": status, "lines": lines}
        return row | {"total": total, "currency": "EUR"}

    reserved = {"status": "RESERVED", "quantities": {"MOUSE": 2}}
    return {
        "orders": {
            "one": order("one", "SHIPMENT_PREPARED", lines, 100),
            "two": order("two", "REFUNDED", scarce, 70),
        },
        "payments": {
            "one": {"status": "SUCCEEDED", "amount": 100},
            "two": {"status": "REFUNDED", "amount": 70},
        },
        "inventory": {
            "MOUSE": {"on_hand": 8},
            SCARCE: {"on_hand": 0},
            "reservation#one": reserved,
            "reservation#two": {"status": "OUT_OF_STOCK"},
        },
        "shipments": {"one": {"items": [{"sku": "MOUSE", "quantity": 2}]}},
    }


def test_balanced_books_have_no_breach(tables):
    assert books.breaches(tables, ORDERS, STOCK) == []
    assert books.totals(tables, ORDERS) == {
        "money": {"charged": 170, "refunded": 70, "shipped": 100},
        "orders": {"SHIPMENT_PREPARED": 1, "REFUNDED": 1},
    }


@pytest.mark.parametrize(
    ("table", "key", "changes", "breach"),
    [
        ("orders", "one", None, "one is lost"),
        ("orders", "one", {"status": "PAID"}, "one is PAID, not SHIPMENT_PREPARED"),
        ("payments", "one", {"amount": 200}, "one is not balanced"),
        ("payments", "two", {"status": "SUCCEEDED"}, "two is not balanced"),
        ("shipments", "one", None, "one is not balanced"),
        ("inventory", "reservation#one", None, "one is not balanced"),
        ("inventory", "MOUSE", {"on_hand": 6}, "MOUSE: 6 in stock and 2 reserved are not 10"),
        ("inventory", SCARCE, {"on_hand": -1}, f"{SCARCE} has -1 units"),
        ("orders", "three", {"status": "PAID"}, "1 orders nobody placed, such as three"),
    ],
)
def test_books_that_are_wrong_have_a_breach(tables, table, key, changes, breach):
    broken = copy.deepcopy(tables)
    if changes is None:
        del broken[table][key]
    else:
        broken[table][key] = broken[table].get(key, {}) | changes
    assert [each for each in books.breaches(broken, ORDERS, STOCK) if each.startswith(breach)]


def test_a_false_stock_out_is_a_breach(tables):
    tables["inventory"][SCARCE]["on_hand"] = 1
    (breach,) = books.breaches(tables, ORDERS, STOCK | {SCARCE: 1})
    assert breach == f"{SCARCE}: 1 orders are refunded, and 1 units are in stock"


def test_a_seed_decides_the_orders():
    def shape(seed):
        return [(each.lines, each.token, each.endings) for each in wanted(200, seed)]

    assert shape(1) == shape(1) != shape(2)
    stock = initial_stock(list(wanted(200, 1)))
    assert 0 < stock[SCARCE] < sum(SCARCE in lines for lines, *_ in shape(1))


def test_memory_is_that_of_a_process_and_of_all_below_it():
    report = " 1 0 2048\n 7 1 4096\n 8 7 1024\n 9 8 1024\n 10 1 512\n"
    assert memory_in(report, 7) == (4.0, 2.0, 2)
    assert memory_in(report, 10) == (0.5, 0.0, 0)


def test_latency_is_from_the_first_event_to_the_last():
    """A repeated event changes nothing."""

    def event(identity, second):
        content = f'{{"detail": {{"metadata": {{"event_id": "{identity}"}}}}}}'
        return BusEvent(content, "bus", time=f"2026-01-15T10:00:{second:02}.000+00:00")

    records = (
        event("one/order-created", 1),
        event("two/order-created", 2),
        event("one/order-created", 3),
        event("one/shipment-prepared", 4),
        event("one/shipment-prepared", 5),
    )
    latencies = Latencies(SimpleNamespace(changes=lambda *_: Changes("log", 5, 5, 0, records)))
    assert latencies.read() == [3000.0]
    assert (latencies.placed, latencies.open) == (2, 1)


def sample(second, server, functions=500.0):
    return Sample(
        seconds=float(second),
        server=server,
        functions=functions,
        processes=20,
        queued=second % 7,
        later=1,
        dead=second // 10,
        placed=10 * second,
        open=5,
        p50=100.0,
        p99=None if second % 2 else 400.0,
    )


@pytest.mark.parametrize(
    ("samples", "problems"),
    [
        ([sample(each, 100 + each / 10) for each in range(101)], 0),
        ([sample(each, 100 + each) for each in range(101)], 1),
        ([sample(each, 100.0, 500.0 + 5 * each) for each in range(101)], 1),
    ],
    ids=["flat", "server grows", "functions grow"],
)
def test_memory_that_grows_is_found(samples, problems):
    orders = dict.fromkeys(map(str, range(record.FEWEST_ORDERS)), SHIPPED)
    result = Result(orders, samples, SimpleNamespace(), load_seconds=100.0)
    assert len(record.findings(result)) == problems
    few = Result(ORDERS, samples, SimpleNamespace(), load_seconds=100.0)
    assert record.findings(few) == []


@pytest.mark.parametrize("number", [1, 2, 700])
def test_the_picture_is_valid_and_stays_inside_its_frame(number):
    samples = [sample(each, 100.0 + each % 50) for each in range(number)]
    text = picture.svg(samples, number * 0.8, "100 <orders>")
    drawn = ET.fromstring(text)  # noqa: S314 - our own picture
    points = [
        float(coordinate)
        for line in drawn.iter("{http://www.w3.org/2000/svg}polyline")
        for point in line.attrib["points"].split()
        for coordinate in point.split(",")
    ]
    assert all(0 <= each <= charts.WIDTH for each in points)
    assert len(points) / 2 <= 10 * picture.POINTS
