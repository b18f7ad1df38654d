"""Contract and API accept the same values, and every reader can use what they admit."""

import io
import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

import iso4217
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from inventory_service import service as inventory
from inventory_service.store import DynamoInventoryStore
from order_service import cursor, service
from order_service.catalogue import load_catalogue
from order_service.errors import InvalidOrderError
from order_service.store import Cursor, DynamoOrderStore, OrderRecord
from recovery.reconcile.service import Plan, Result, reconcile
from recovery.reconcile.store import OpenOrder, OrderNow
from recovery.redrive.dead_letter import FAILED, read
from rich.console import Console
from shipping_service.service import prepare
from shipping_service.store import DynamoShipmentStore

from orderflow import contract
from orderflow.dynamodb import from_wire
from orderflow.errors import InvalidEventError
from orderflow.event import Event, first_event, next_event
from orderflow.publisher import Publisher
from tests.fixtures.events import NOW, delivered, order_request
from tests.fixtures.events import example as example_event
from tests.fixtures.in_process import RecordingEvents
from workshop.notebooks.ledger_tables import money_table
from workshop.notebooks.tables import table
from workshop.orders import journey_view
from workshop.orders.ledger import entry

CATALOGUE = load_catalogue()
ADDRESS = ("recipient", "street", "city", "postal_code", "country")
TEXT = st.text(max_size=101) | st.sampled_from(["Zo\ufffd", "\ud83d", "DE", "ZZ", "XK", "10115"])
ID = st.from_regex("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
VISIBLE = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp"]) | st.sampled_from("\u200c\u200d"),
    min_size=1,
    max_size=16,
)
DEFINITIONS = contract.schema(contract.CONTRACTS / "common.v1.json")["definitions"]
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SQS refuses in a message (SendMessage): a dead letter with it would be lost."""
LARGEST_ITEM = 400 * 1024


def api_accepts(request):
    store = SimpleNamespace(put_once=lambda _: None)
    try:
        service.place_order(request, "key", store=store, catalogue=CATALOGUE, clock=lambda: NOW)
    except InvalidOrderError:
        return False
    return True


def contract_accepts(event):
    try:
        contract.parse(delivered(event))
    except InvalidEventError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(field=st.sampled_from(ADDRESS), value=TEXT | st.none() | st.integers() | st.booleans())
@example("recipient", "\u00a0")
@example("city", "\u202eBerlin")
def test_api_and_contract_accept_the_same_addresses(field, value):
    event = example_event("OrderCreated")
    event.order["ship_to"][field] = value
    address = order_request()["ship_to"] | {field: value}
    assert api_accepts(order_request(ship_to=address)) == contract_accepts(event)


@settings(max_examples=200, deadline=None)
@given(value=st.integers(-5, 105) | st.floats() | st.booleans() | st.integers() | TEXT)
@example(1.0)
@example(True)
def test_api_and_contract_accept_the_same_amounts(value):
    event = example_event("OrderCreated")
    event.order["lines"] = [{"sku": "MOUSE", "quantity": value, "unit_price": 2900}]
    event.order["total"] = 2900 * value if isinstance(value, int | float) else 2900
    lines = [{"sku": "MOUSE", "quantity": value}]
    if isinstance(value, float):
        return  # the API reads it as a Decimal: `test_handler` has that
    assert api_accepts(order_request(lines=lines)) == contract_accepts(event)


@st.composite
def orders(draw):
    """Any order that the contract admits; the same SKU may be there twice, at two prices."""
    skus = st.sampled_from(draw(st.lists(ID, min_size=1, max_size=5)))
    line = st.fixed_dictionaries(
        {"sku": skus, "quantity": st.integers(1, 100), "unit_price": st.integers(1, 50_000)}
    )
    lines = draw(st.lists(line, min_size=1, max_size=20))
    return {
        "order_id": draw(ID),
        "customer_id": draw(ID),
        "placed_at": draw(st.from_regex(DEFINITIONS["timestamp"]["pattern"], fullmatch=True)),
        "lines": lines,
        "total": sum(each["quantity"] * each["unit_price"] for each in lines),
        "currency": draw(
            st.sampled_from([c.code for c in iso4217.Currency if c.exponent is not None])
        ),
        "ship_to": {field: draw(VISIBLE) for field in ADDRESS} | {"country": "DE"},
    }


class Tables:
    """Replaces a boto3 `dynamodb` client: stores what it is given, if DynamoDB would."""

    def __init__(self):
        self.items = []

    def put_item(self, Item, **_):  # noqa: N803  (boto3's spelling)
        assert len(json.dumps(Item, ensure_ascii=False).encode()) < LARGEST_ITEM
        self.items.append(from_wire(Item))
        return {}

    def transact_write_items(self, TransactItems):  # noqa: N803
        assert len(TransactItems) <= 100
        keys = [json.dumps(next(iter(each.values())).get("Key")) for each in TransactItems[1:]]
        assert len(set(keys)) == len(keys)  # DynamoDB: no two operations on one item
        self.put_item(TransactItems[0]["Put"]["Item"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(order=orders())
def test_every_reader_can_use_what_the_contract_admits(order):
    token = {"payment_method": {"token": "tok_approved"}}
    created = first_event("OrderCreated", "order-created", order, token)
    assume(contract_accepts(created))
    paid = {"status": "SUCCEEDED", "amount": order["total"], "currency": order["currency"]}
    payment = next_event(
        created, "PaymentProcessed", "payment-succeeded", {"payment": paid}, at=NOW
    )
    tables = Tables()
    DynamoOrderStore(tables, "t").put_once(OrderRecord(order, "CREATED", NOW, created=created))
    reserved = inventory.reserve(
        payment, store=DynamoInventoryStore(tables, "t"), clock=lambda: NOW
    )
    prepare(reserved.event, store=DynamoShipmentStore(tables, "t"), clock=lambda: NOW)
    rows = dict(zip(("orders", "inventory", "shipments"), tables.items, strict=True))
    rows["payments"] = paid

    booked = entry(rows)
    assert booked.is_balanced
    assert money_table([booked])["balanced"].tolist() == ["yes", "yes"]
    Console(file=io.StringIO()).print(journey_view.rows_table(rows))
    assert len(table([rows["orders"]], *rows["orders"])) == 1

    bus = RecordingEvents()
    stuck = SimpleNamespace(
        placed_until=lambda _: [OpenOrder(order["order_id"], rows["orders"]["placed_at"])],
        now=lambda _: OrderNow(
            True, Event.from_json("OrderCreated", rows["orders"]["created_event"])
        ),
    )
    later = datetime(2100, 1, 1, tzinfo=UTC)
    outcomes = list(reconcile(stuck, Publisher(bus, "bus"), Plan(0, 1), now=later))
    assert [each.result for each in outcomes] == [Result.REPUBLISHED]
    assert json.loads(bus.entries[0]["Detail"]) == created.detail

    position = Cursor(order["customer_id"], order["order_id"], order["placed_at"])
    assert cursor.decode(cursor.encode(position), order["customer_id"]) == position

    arn = "arn:aws:lambda:us-east-1:000000000000:function:orderflow-payment"
    record = {"requestContext": {"functionArn": arn}, "requestPayload": delivered(created)}
    body = json.dumps(record, ensure_ascii=False)
    assert not NO_XML.search(body)
    message = read({"Body": body}, consumer="payment", queue=FAILED, function_arn=arn)
    assert (message.order_id, message.unrecognised) == (order["order_id"], None)


@pytest.mark.parametrize("field", ["placed_at", "prepared_at", "occurred_at"])
def test_every_timestamp_of_an_event_is_checked(field):
    """Also those that no service reads back: a reader of the archive will."""
    event = example_event("ShipmentPrepared")
    places = {
        "placed_at": event.order,
        "prepared_at": event.part("shipment"),
        "occurred_at": event.detail["metadata"],
    }
    assert contract_accepts(event)
    places[field][field] = "2026-02-30T09:30:00.000Z"
    assert not contract_accepts(event)
