"""Stage 3 as a learner can see it: what was paid for is reserved, or the money goes back."""

import pytest

from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import example, of_skus
from workshop.orders import api_client

pytestmark = pytest.mark.deployed


def test_paid_goods_are_reserved(stack, put, shelf, rows_of):
    """Three of ten pieces are paid for: seven stay on the shelf."""
    order_id, sku = new_id("order"), shelf(10)
    put(of_skus(example("OrderCreated", order_id=order_id), {sku: 3}))
    eventually(lambda: _reservation(rows_of, order_id) == "RESERVED")
    assert api_client.read_stock(stack, [sku]) == {sku: 7}


def test_an_order_goes_as_far_as_the_stage(order, ends, goes_to):
    """Reserved, and with nobody to ship it, an order stays RESERVED; stage 4 takes it further."""
    assert ends(order()) == goes_to("RESERVED")


def test_what_is_not_there_is_refunded(stack, put, shelf, rows_of, ends):
    """Eleven of ten pieces: nothing is taken, and the money goes back."""
    order_id, sku = new_id("order"), shelf(10)
    put(of_skus(example("OrderCreated", order_id=order_id), {sku: 11}))
    assert ends(order_id) == "REFUNDED"
    assert _reservation(rows_of, order_id) == "OUT_OF_STOCK"
    assert rows_of(order_id)["payments"]["status"] == "REFUNDED"
    assert api_client.read_stock(stack, [sku]) == {sku: 10}


def test_all_lines_or_none(stack, put, shelf, ends):
    """One line of two is missing: the other one's stock stays as well."""
    order_id, plenty, none = new_id("order"), shelf(10), shelf(0)
    put(of_skus(example("OrderCreated", order_id=order_id), {plenty: 1, none: 1}))
    assert ends(order_id) == "REFUNDED"
    assert api_client.read_stock(stack, [plenty, none]) == {plenty: 10, none: 0}


def test_a_payment_put_by_hand_is_reserved(stack, put, shelf, rows_of):
    """A PaymentProcessed for an order nobody placed takes stock all the same."""
    order_id, sku = new_id("by-hand"), shelf(2)
    put(of_skus(example("PaymentProcessed", "succeeded", order_id=order_id), {sku: 2}))
    eventually(lambda: _reservation(rows_of, order_id) == "RESERVED")
    assert api_client.read_stock(stack, [sku]) == {sku: 0}


def test_a_stock_out_put_by_hand_is_refunded(put, rows_of, ends):
    """An InventoryUpdated that is out of stock sets off the refund."""
    order_id = new_id("by-hand")
    put(example("InventoryUpdated", "out-of-stock", order_id=order_id))
    assert ends(order_id) == "REFUNDED"
    assert rows_of(order_id)["payments"]["status"] == "REFUNDED"


def _reservation(rows_of, order_id):
    return rows_of(order_id).get("inventory", {}).get("status")
