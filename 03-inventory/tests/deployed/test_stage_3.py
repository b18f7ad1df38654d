"""Stage 3 as a learner can see it: what was paid for is reserved, or the money goes back."""

import pytest

from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import example, of_skus
from workshop.orders import api_client

pytestmark = pytest.mark.deployed


def test_paid_items_are_reserved(stack, put_event, stock_item, rows_of):
    """Three of ten units are paid for: seven stay in stock."""
    order_id, sku = new_id("order"), stock_item(10)
    put_event(of_skus(example("OrderCreated", order_id=order_id), {sku: 3}))
    eventually(lambda: _reservation(rows_of, order_id) == "RESERVED")
    assert api_client.read_stock(stack, [sku]) == {sku: 7}


def test_an_order_goes_as_far_as_the_stage(order, final_status, expected_status):
    """Reserved, and with nobody to ship it, an order stays RESERVED; stage 4 takes it further."""
    assert final_status(order()) == expected_status("RESERVED")


def test_what_is_not_there_is_refunded(stack, put_event, stock_item, rows_of, final_status):
    """Eleven of ten units: nothing is taken, and the money goes back."""
    order_id, sku = new_id("order"), stock_item(10)
    put_event(of_skus(example("OrderCreated", order_id=order_id), {sku: 11}))
    assert final_status(order_id) == "REFUNDED"
    assert _reservation(rows_of, order_id) == "OUT_OF_STOCK"
    assert rows_of(order_id)["payments"]["status"] == "REFUNDED"
    assert api_client.read_stock(stack, [sku]) == {sku: 10}


def test_all_lines_or_none(stack, put_event, stock_item, final_status):
    """One line of two is missing: the other one's stock stays as well."""
    order_id, plenty, none = new_id("order"), stock_item(10), stock_item(0)
    put_event(of_skus(example("OrderCreated", order_id=order_id), {plenty: 1, none: 1}))
    assert final_status(order_id) == "REFUNDED"
    assert api_client.read_stock(stack, [plenty, none]) == {plenty: 10, none: 0}


def test_a_payment_put_manually_is_reserved(stack, put_event, stock_item, rows_of):
    """A PaymentProcessed for an order nobody placed takes stock all the same."""
    order_id, sku = new_id("manual"), stock_item(2)
    put_event(of_skus(example("PaymentProcessed", "succeeded", order_id=order_id), {sku: 2}))
    eventually(lambda: _reservation(rows_of, order_id) == "RESERVED")
    assert api_client.read_stock(stack, [sku]) == {sku: 0}


def test_a_stock_out_put_manually_is_refunded(put_event, rows_of, final_status):
    """An InventoryUpdated that is out of stock sets off the refund."""
    order_id = new_id("manual")
    put_event(example("InventoryUpdated", "out-of-stock", order_id=order_id))
    assert final_status(order_id) == "REFUNDED"
    assert rows_of(order_id)["payments"]["status"] == "REFUNDED"


def _reservation(rows_of, order_id):
    return rows_of(order_id).get("inventory", {}).get("status")
