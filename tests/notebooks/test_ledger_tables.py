"""The books say yes exactly if money, goods and shelf agree."""

import pytest

from workshop.notebooks.ledger_tables import ALL, money_table, stock_table
from workshop.orders.ledger import entry

ORDER = {
    "order_id": "ord_1",
    "currency": "EUR",
    "lines": [
        {"sku": "MOUSE", "quantity": 2, "unit_price": 2900},
        {"sku": "KEYBOARD", "quantity": 1, "unit_price": 7900},
    ],
}
TOTAL = 2 * 2900 + 7900
QUANTITIES = {"MOUSE": 2, "KEYBOARD": 1}
PIECES = [{"sku": sku, "quantity": quantity} for sku, quantity in QUANTITIES.items()]


def rows(payment=None, reservation=None, *, pieces=None):
    """An order's rows: the status of its payment and its reservation, and what ships of it."""
    found = {"orders": ORDER}
    if payment:
        found["payments"] = {"status": payment, "amount": TOTAL}
    if reservation:
        found["inventory"] = {"status": reservation, "quantities": QUANTITIES}
    if pieces is not None:
        found["shipments"] = {"pieces": pieces}
    return found


SHIPPED = rows("SUCCEEDED", "RESERVED", pieces=PIECES)


@pytest.mark.parametrize(
    "found",
    [
        SHIPPED,
        rows(),
        rows("PENDING"),
        rows("DECLINED"),
        rows("REFUNDED", "OUT_OF_STOCK"),
    ],
    ids=["shipped", "placed", "pending", "declined", "refunded"],
)
def test_every_ending_is_balanced(found):
    assert entry(found).is_balanced


@pytest.mark.parametrize(
    "found",
    [
        rows("SUCCEEDED"),
        rows("REFUND_PENDING", "OUT_OF_STOCK"),
        rows("SUCCEEDED", "RESERVED"),
        rows("SUCCEEDED", pieces=PIECES),
        rows("SUCCEEDED", "OUT_OF_STOCK", pieces=PIECES),
        rows("SUCCEEDED", "RESERVED", pieces=PIECES[:1]),
        rows("REFUNDED", "RESERVED", pieces=PIECES),
        rows("DECLINED", "RESERVED", pieces=PIECES),
    ],
    ids=[
        "paid, and stands still",
        "refused, and not given back yet",
        "reserved, and stands still",
        "shipped without a reservation",
        "shipped though refused",
        "half of it shipped",
        "shipped and given back",
        "shipped for nothing",
    ],
)
def test_whatever_else_is_not(found):
    assert not entry(found).is_balanced


def test_the_money_table_adds_up():
    found = money_table([entry(SHIPPED), entry(rows("REFUNDED", "OUT_OF_STOCK"))])
    assert found.loc[ALL].tolist() == [
        *("274.00 EUR", "137.00 EUR", "137.00 EUR", "137.00 EUR"),
        "yes",
    ]


def test_the_money_table_says_no_where_money_is_missing():
    found = money_table([entry(SHIPPED), entry(rows("SUCCEEDED"))])
    assert found["balanced"].tolist() == ["yes", "NO", "NO"]


def test_the_stock_table_adds_up():
    found = stock_table({"KEYBOARD": 10, "MOUSE": 5}, {"KEYBOARD": 9, "MOUSE": 3}, [entry(SHIPPED)])
    assert found.loc["MOUSE"].tolist() == [5, 3, 2, 2, "yes"]
    assert found.loc[ALL].tolist() == [15, 12, 3, 3, "yes"]


def test_the_stock_table_says_no_where_a_piece_is_gone():
    found = stock_table({"KEYBOARD": 10, "MOUSE": 5}, {"KEYBOARD": 9, "MOUSE": 2}, [entry(SHIPPED)])
    assert found["balanced"].tolist() == ["yes", "NO", "NO"]
