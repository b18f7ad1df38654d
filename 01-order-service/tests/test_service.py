"""What the order service decides."""

import base64
import itertools
import json
import uuid
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from order_service import cursor, service, status, tracking
from order_service.catalogue import load_catalogue
from order_service.errors import (
    IdempotencyConflictError,
    InvalidOrderError,
    MalformedRequestError,
    NotFoundError,
)
from order_service.store import Cursor, DynamoOrderStore

from orderflow import contract
from orderflow.event import Event
from tests.fixtures.events import NOW, delivered, example, order_request

CATALOGUE = load_catalogue()


def place(request, store, key=None, clock=lambda: NOW):
    key = key or uuid.uuid4().hex
    return service.place_order(request, key, store=store, catalogue=CATALOGUE, clock=clock)


def track(event, store):
    return tracking.move_on(event, store=store, clock=lambda: NOW)


def faults_of(request, store):
    with pytest.raises(InvalidOrderError) as caught:
        place(request, store)
    return caught.value.faults


def test_prices_come_from_the_catalogue(memory_store):
    """One keyboard and two mice cost what the catalogue says."""
    record, _ = place(order_request(), memory_store)
    assert record.order["total"] == 7900 + 2 * 2900
    in_dollars, _ = place(order_request(currency="USD"), memory_store)
    assert in_dollars.order["total"] == 8900 + 2 * 3200


def test_an_order_is_published_within_the_contract(memory_store):
    """OrderCreated keeps the contract and carries neither e-mail nor telephone."""
    _, stored = place(order_request(), memory_store)
    assert contract.parse(delivered(stored.event)) == stored.event
    assert "ada@example.org" not in stored.event.to_json()
    assert "1234567" not in stored.event.to_json()


def test_the_same_key_finds_the_first_order(store):
    """The same request with the same key is the same order, published again as it was."""
    first, created = place(order_request(), store, "key-1")
    again, repeated = place(order_request(), store, "key-1", lambda: "2027-01-01T00:00:00.000Z")
    assert again.order == first.order
    assert (repeated.repeated, repeated.event) == (True, created.event)


def test_row_of_a_new_order_has_its_time_and_contact(store):
    record, _ = place(order_request(), store)
    kept = service.get_order(record.order["order_id"], store=store)
    assert kept == record
    assert (kept.updated_at, kept.contact) == (NOW, order_request()["contact"])


def test_another_customer_may_use_the_same_key(store):
    """A key belongs to its customer."""
    one, _ = place(order_request(), store, "key-1")
    other, _ = place(order_request(customer_id="customer-8"), store, "key-1")
    assert one.order["order_id"] != other.order["order_id"]


def test_the_same_key_with_another_order_is_a_conflict(store):
    """Reusing a key for something else is refused, and the first order stays."""
    first, _ = place(order_request(), store, "key-1")
    with pytest.raises(IdempotencyConflictError):
        place(order_request(lines=[{"sku": "MOUSE", "quantity": 1}]), store, "key-1")
    assert store.get(first.order["order_id"]).order == first.order


def test_every_key_is_an_order(memory_store):
    """Two requests with two keys are two orders."""
    ids = {place(order_request(), memory_store)[0].order["order_id"] for _ in range(2)}
    assert len(ids) == 2


def test_every_fault_of_form_is_named_at_once(memory_store):
    """One answer names all that is wrong."""
    request = order_request(currency="euro", lines=[{"sku": "MOUSE", "quantity": 0}])
    del request["ship_to"]
    faults = " ".join(faults_of(request, memory_store))
    for field in ("ship_to", "currency", "lines[0].quantity"):
        assert field in faults
    assert memory_store.records == {}


def test_every_fault_of_content_is_named_at_once(memory_store):
    """Unknown currency and unknown SKUs are reported together."""
    lines = [{"sku": "SPOON", "quantity": 1}, {"sku": "FORK", "quantity": 1}]
    faults = faults_of(order_request(currency="XXX", lines=lines), memory_store)
    assert faults == [
        "currency must be one of EUR, USD",
        "lines[0].sku is not in the catalogue",
        "lines[1].sku is not in the catalogue",
    ]


def test_faults_of_both_kinds_are_named_at_once(memory_store):
    """A zero quantity, an unknown SKU and an unknown currency: one answer."""
    lines = [{"sku": "SPOON", "quantity": 0}]
    faults = " ".join(faults_of(order_request(currency="XXX", lines=lines), memory_store))
    for field in ("currency", "lines[0].quantity", "lines[0].sku"):
        assert field in faults


def test_a_fault_does_not_repeat_what_was_sent(memory_store):
    """A problem document names the field, not the value."""
    request = order_request(contact={"email": "secret at example"})
    assert "secret" not in " ".join(faults_of(request, memory_store))


def example_of(event, order_id):
    """The same event of another order."""
    return Event.from_json(event.type, event.to_json().replace("example-1", order_id))


EVENTS = [
    example("OrderCreated"),
    example("PaymentProcessed", "succeeded"),
    example("InventoryUpdated", "reserved"),
    example("ShipmentPrepared"),
]


def test_the_status_only_moves_forward(store):
    """In whatever order the events arrive, an order ends where its last step is.

    And it keeps its OrderCreated, which is what can be sent again.
    """
    for number, order in enumerate(itertools.permutations(EVENTS)):
        order_id = f"order-{number}"
        for event in order:
            track(example_of(event, order_id), store)
        record = store.get(order_id)
        assert record.status == "SHIPMENT_PREPARED", order
        assert record.created == example_of(EVENTS[0], order_id), order


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (example("OrderCreated"), "CREATED"),
        (example("PaymentProcessed", "succeeded"), "PAID"),
        (example("PaymentProcessed", "declined"), "PAYMENT_DECLINED"),
        (example("PaymentProcessed", "refunded"), "REFUNDED"),
        (example("InventoryUpdated", "reserved"), "RESERVED"),
        (example("InventoryUpdated", "out-of-stock"), "PAID"),
        (example("InventoryUpdated", "reserved", version=1), "RESERVED"),
        (example("InventoryUpdated", "out-of-stock", version=1), "PAID"),
        (example("ShipmentPrepared"), "SHIPMENT_PREPARED"),
    ],
)
def test_every_event_has_its_status(store, event, expected):
    """An order never seen before gets its row from whichever event comes first."""
    assert track(event, store)
    record = store.get("example-1")
    assert (record.status, record.order) == (expected, event.order)


def test_a_repeated_or_late_event_changes_nothing(store):
    """The same event twice, or an earlier one afterwards, leaves the row as it is."""
    track(EVENTS[2], store)
    before = store.get("example-1")
    assert not track(EVENTS[2], store)
    assert not track(EVENTS[1], store)
    assert store.get("example-1") == before


STEPS = [
    *itertools.pairwise(EVENTS),
    (EVENTS[0], example("PaymentProcessed", "declined")),
    (EVENTS[0], example("InventoryUpdated", "out-of-stock")),
    (example("InventoryUpdated", "out-of-stock"), example("PaymentProcessed", "refunded")),
]


@pytest.mark.parametrize(("earlier", "later"), STEPS)
def test_status_moves_from_each_step_to_the_next_and_not_back(store, earlier, later):
    assert track(earlier, store)
    reached = track(later, store)
    assert reached == status.status_after(later)
    assert not track(earlier, store)
    assert store.get("example-1").status == reached


def points_awarded():
    """Return an event of a type that the tracker does not know."""
    shipped = example("ShipmentPrepared")
    return Event("PointsAwarded", {**shipped.detail, "data": {"order": shipped.order}})


def shipment_lost():
    """Return an event of a known type with a status that the tracker does not know."""
    event = example("ShipmentPrepared")
    event.part("shipment")["status"] = "LOST"
    return event


@pytest.mark.parametrize("unknown", [points_awarded, shipment_lost])
def test_an_unknown_event_changes_no_order(store, unknown):
    """Neither a row that is there, nor the table of orders."""
    assert track(unknown(), store) is None
    assert store.get("example-1") is None
    track(EVENTS[1], store)
    before = store.get("example-1")
    assert track(unknown(), store) is None
    assert store.get("example-1") == before


def test_an_ending_is_the_end(store):
    """Nothing follows a final status, not even another one."""
    track(example("PaymentProcessed", "refunded"), store)
    assert not track(example("ShipmentPrepared"), store)
    assert store.get("example-1").status == "REFUNDED"


def test_tracking_keeps_what_only_the_order_service_knows(store):
    """Contact, fingerprint and the stored event survive every status change."""
    record, stored = place(order_request(), store, "key-1")
    paid = example("PaymentProcessed", "succeeded", order_id=record.order["order_id"])
    track(paid, store)
    after = store.get(record.order["order_id"])
    assert after.contact == record.contact
    assert after.created == stored.event
    assert after.status == "PAID"


def test_a_customers_orders_come_in_pages_newest_first(store):
    """Five orders in pages of two: all of them once, the newest first."""
    for day in range(1, 6):
        place(order_request(), store, f"key-{day}", lambda day=day: f"2026-01-0{day}T00:00:00.000Z")
    place(order_request(customer_id="customer-8"), store)
    days, next_cursor = [], None
    for _ in range(3):
        page = store.list_by_customer("customer-7", 2, next_cursor)
        days += [summary.placed_at[:10] for summary in page.orders]
        next_cursor = page.next_cursor
    assert days == [f"2026-01-0{day}" for day in (5, 4, 3, 2, 1)]
    assert next_cursor is None


def test_an_unknown_order_is_not_found(store):
    """Asking for an order that is not there says so."""
    with pytest.raises(NotFoundError):
        service.get_order("ord_none", store=store)


def test_ranks_and_index_agree():
    """Every status has a rank, and exactly the endings have the last one."""
    endings = {name for name, rank in status.RANKS.items() if rank == status.FINAL_RANK}
    assert endings == {"SHIPMENT_PREPARED", "PAYMENT_DECLINED", "REFUNDED"}


def test_an_ended_order_leaves_the_index_of_open_ones(make_table, dynamodb):
    """The sparse index holds an order from its first status to before its last."""
    store = DynamoOrderStore(dynamodb, make_table("orders"))

    def open_orders():
        return dynamodb.scan(TableName="orderflow-orders", IndexName="open-orders")["Count"]

    record, _ = place(order_request(), store)
    order_id = record.order["order_id"]
    assert open_orders() == 1
    track(example("PaymentProcessed", "succeeded", order_id=order_id), store)
    assert open_orders() == 1
    track(example("ShipmentPrepared", order_id=order_id), store)
    assert open_orders() == 0


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        *("x", "!!!", "é", "W10=", "bnVsbA=="),
        encoded(["a", "b", "c"]),
        encoded(["customer-8", "ord_1", NOW]),
        encoded(["customer-7", "ord_1", "yesterday"]),
        encoded(["customer-7", "", NOW]),
        encoded(["customer-7", "x" * 3000, NOW]),
        encoded(["customer-7", ["ord_1"], NOW]),
        encoded(["customer-7", "ord_1", 5]),
        base64.urlsafe_b64encode(b"[" * 4000).decode(),
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(text):
    """A made-up cursor, or another customer's, is a fault of the request."""
    with pytest.raises(MalformedRequestError):
        cursor.decode(text, "customer-7")


def test_a_cursor_comes_back_as_it_went():
    """What a page gave is understood."""
    given = Cursor("customer-7", "ord_1", NOW)
    assert cursor.decode(cursor.encode(given), "customer-7") == given


@pytest.mark.parametrize("length", range(1, 65))
def test_a_cursor_is_signed_as_aws_reads_it(length):
    """Appended to the address as it is; botocore signs it so, AWS escapes what it receives."""
    customer = "c" * length
    given = Cursor(customer, "ord_" + "0" * 32, "2026-01-15T09:30:00.000Z")
    text = cursor.encode(given)
    address = f"https://api.example/customers/{customer}/orders?cursor={text}"
    signed = SigV4Auth(None, "execute-api", "us-east-1").canonical_query_string(
        AWSRequest("GET", address)
    )
    assert signed == f"cursor={quote(text, safe='-_.~')}"
    assert cursor.decode(text, customer) == given
    assert cursor.decode(text + "=" * (-len(text) % 4), customer) == given, "of an older release"
