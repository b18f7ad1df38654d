"""Tests of the ledger: it is balanced if money, shipments and stock agree."""

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
ITEMS = [{"sku": sku, "quantity": quantity} for sku, quantity in QUANTITIES.items()]


def rows(payment=None, reservation=None, *, items=None):
    """Return an order's rows: payment and reservation by status, and the shipped items."""
    found = {"orders": ORDER}
    if payment:
        found["payments"] = {"status": payment, "amount": TOTAL}
    if reservation:
        found["inventory"] = {"status": reservation, "quantities": QUANTITIES}
    if items is not None:
        found["shipments"] = {"items": items}
    return found


SHIPPED = rows("SUCCEEDED", "RESERVED", items=ITEMS)


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
def test_every_final_status_is_balanced(found):
    assert entry(found).is_balanced


@pytest.mark.parametrize(
    "found",
    [
        rows("SUCCEEDED"),
        rows("REFUND_PENDING", "OUT_OF_STOCK"),
        rows("SUCCEEDED", "RESERVED"),
        rows("SUCCEEDED", items=ITEMS),
        rows("SUCCEEDED", "OUT_OF_STOCK", items=ITEMS),
        rows("SUCCEEDED", "RESERVED", items=ITEMS[:1]),
        rows("REFUNDED", "RESERVED", items=ITEMS),
        rows("DECLINED", "RESERVED", items=ITEMS),
    ],
    ids=[
        "paid, and stalled",
        "out of stock, and not refunded yet",
        "reserved, and stalled",
        "shipped without a reservation",
        "shipped although out of stock",
        "partly shipped",
        "shipped and refunded",
        "shipped without payment",
    ],
)
def test_other_statuses_are_not_balanced(found):
    assert not entry(found).is_balanced


TWO_LINES = [
    {"sku": "MOUSE", "quantity": 1, "unit_price": 2900},
    {"sku": "MOUSE", "quantity": 2, "unit_price": 100},
]


def in_two_lines(*shipped, currency="EUR", amount=3100, reserved=3):
    """Return the rows of an order with one SKU in two lines at two prices."""
    order = {"order_id": "ord_2", "currency": currency, "lines": TWO_LINES}
    return {
        "orders": order,
        "payments": {"status": "SUCCEEDED", "amount": amount},
        "inventory": {"status": "RESERVED", "quantities": {"MOUSE": reserved}},
        "shipments": {"items": [{"sku": "MOUSE", "quantity": each} for each in shipped]},
    }


@pytest.mark.parametrize("shipped", [(1, 2), (3,), (1, 1, 1)])
def test_lines_of_the_same_sku_are_added_up(shipped):
    found = entry(in_two_lines(*shipped))
    assert found.is_balanced
    assert (found.shipped, found.units) == (3100, {"MOUSE": 3})


@pytest.mark.parametrize(
    "found", [in_two_lines(1), in_two_lines(2, 2), in_two_lines(1, 2, reserved=2)]
)
def test_wrong_quantity_in_lines_of_the_same_sku_is_found(found):
    """Too few, too many, or other units than reserved."""
    assert not entry(found).is_balanced


def test_each_currency_has_its_own_total():
    yen = entry(in_two_lines(1, 2, currency="JPY"))
    found = money_table([entry(SHIPPED), yen])
    assert found.loc[f"{ALL} in EUR", "charged"] == "137.00 EUR"
    assert found.loc[f"{ALL} in JPY", "charged"] == "3100 JPY"


def test_money_table_adds_up():
    found = money_table([entry(SHIPPED), entry(rows("REFUNDED", "OUT_OF_STOCK"))])
    assert found.loc[ALL].tolist() == [
        *("274.00 EUR", "137.00 EUR", "137.00 EUR", "137.00 EUR"),
        "yes",
    ]


def test_money_table_says_no_where_money_is_missing():
    found = money_table([entry(SHIPPED), entry(rows("SUCCEEDED"))])
    assert found["balanced"].tolist() == ["yes", "NO", "NO"]


def test_stock_table_adds_up():
    found = stock_table({"KEYBOARD": 10, "MOUSE": 5}, {"KEYBOARD": 9, "MOUSE": 3}, [entry(SHIPPED)])
    assert found.loc["MOUSE"].tolist() == [5, 3, 2, 2, "yes"]
    assert found.loc[ALL].tolist() == [15, 12, 3, 3, "yes"]


def test_stock_table_says_no_where_a_unit_is_missing():
    found = stock_table({"KEYBOARD": 10, "MOUSE": 5}, {"KEYBOARD": 9, "MOUSE": 2}, [entry(SHIPPED)])
    assert found["balanced"].tolist() == ["yes", "NO", "NO"]
