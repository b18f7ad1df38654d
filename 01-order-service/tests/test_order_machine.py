"""Any sequence of requests, events and lost replies: the API does what a plain model says."""

import itertools
import json
from collections import Counter
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from order_service.app import App
from order_service.catalogue import load_catalogue
from order_service.status import RANKS
from order_service.store import DynamoOrderStore
from order_service.tracker_app import Tracker

from orderflow.event import Event
from orderflow.publisher import Publisher
from tests.fixtures import api_record
from tests.fixtures.events import delivered, example, order_request
from tests.fixtures.in_process import BUS, LambdaContext, RecordingEvents
from tests.fixtures.unreliable import AFTER, BEFORE, Unreliable
from tests.simulation.dynamodb import Dynamodb

CONTEXT = LambdaContext()

bodies = st.builds(
    lambda customer_id, currency, quantity: order_request(
        customer_id=customer_id,
        currency=currency,
        lines=[{"sku": "MOUSE", "quantity": quantity}],
    ),
    st.sampled_from(["customer-1", "customer-2"]),
    st.sampled_from(["EUR", "USD"]),
    st.integers(1, 2),
)
keys = st.none() | st.sampled_from(["key-1", "key-2", "key-3"])
faults = st.lists(st.sampled_from([None, None, None, BEFORE, AFTER]), max_size=2)
"""For each request to AWS, how it fails."""
events = st.sampled_from(
    [
        ("PaymentProcessed", "succeeded", "PAID"),
        ("PaymentProcessed", "declined", "PAYMENT_DECLINED"),
        ("PaymentProcessed", "refunded", "REFUNDED"),
        ("InventoryUpdated", "reserved", "RESERVED"),
        ("ShipmentPrepared", "", "SHIPMENT_PREPARED"),
    ]
)


@dataclass
class Order:
    """What the model knows of an order."""

    order_id: str
    body: dict
    status: str = "CREATED"


class OrderMachine(RuleBasedStateMachine):
    """The API and the tracker over one table, and a model of what customers may expect."""

    steps = 0

    orders = Bundle("orders")
    sent = Bundle("sent")
    cursors = Bundle("cursors")

    def __init__(self):
        super().__init__()
        self.faults = []
        milliseconds = itertools.count()
        self.dynamodb, self.bus = Dynamodb(), RecordingEvents()
        store = DynamoOrderStore(Unreliable(self.dynamodb, self._fails), "orderflow-orders")
        publisher = Publisher(Unreliable(self.bus, self._fails), BUS)
        self.app = App(
            store,
            publisher,
            load_catalogue(),
            lambda: f"2026-01-15T10:00:00.{next(milliseconds):03}Z",
        )
        self.tracker = Tracker(store)
        self.model = {}
        """Customer and key → the order, in the sequence in which they were placed."""
        self.published = Counter()

    # ── placing ──

    @rule(target=sent, body=bodies, key=keys, faults=faults, direct=st.booleans())
    def place(self, body, key, faults, direct):
        return self._place(body, key, faults, direct=direct)

    @rule(target=sent, sent=sent, faults=faults)
    def place_again(self, sent, faults):
        """With the key of the response, as a customer does who got none the first time."""
        return self._place(*sent, faults)

    @rule(target=orders, sent=sent)
    def know_an_order(self, sent):
        body, key = sent
        found = self.model.get((body["customer_id"], key))
        return found or multiple()

    @rule(body=bodies, key=keys, quantity=st.sampled_from([0, 101, "1", None]))
    def place_an_invalid_order(self, body, key, quantity):
        body = body | {"lines": [{"sku": "MOUSE", "quantity": quantity}]}
        status, problem, _ = self._send("POST /orders", body=body, key=key)
        assert (status, problem["status"]) == (422, 422)

    def _place(self, body, key, faults, *, direct=False):
        self.faults = list(faults)
        status, response, headers = self._send("POST /orders", body=body, key=key, direct=direct)
        store_fails, bus_fails = [*faults, None, None][:2]
        if "idempotency-key" in headers:  # a conflict has none
            assert key in (None, headers["idempotency-key"])
            key = headers["idempotency-key"]
        name = body["customer_id"], key
        before = self.model.get(name)
        if store_fails != BEFORE and before is None:
            known = {each.order_id for each in self.model.values()}
            (order_id,) = self.dynamodb.items["orders"].keys() - known
            self.model[name] = Order(order_id, body)
        if store_fails:
            assert status == 503
            return body, key
        order = self.model[name]
        if order.body != body:
            assert (status, response["status"]) == (409, 409)
            return order.body, key
        assert headers["location"] == f"/orders/{order.order_id}"
        self.published[order.order_id] += bus_fails != BEFORE
        if bus_fails:
            assert (status, headers["retry-after"]) == (503, "1")
            return body, key
        assert status == (200 if before else 201)
        self._assert_shown(response, order)
        return body, key

    # ── reading ──

    @rule(order=orders, fails=st.sampled_from([None, None, BEFORE, AFTER]))
    def get(self, order, fails):
        self.faults = [fails]
        status, response, _ = self._send("GET /orders/{order_id}", order_id=order.order_id)
        assert status == (503 if fails else 200)
        if not fails:
            self._assert_shown(response, order)

    @rule(order_id=st.sampled_from(["ord_unknown", "", "x" * 65]))
    def get_an_unknown_order(self, order_id):
        assert self._send("GET /orders/{order_id}", order_id=order_id)[0] == 404

    @rule(
        target=cursors,
        customer_id=st.sampled_from(["customer-1", "customer-2", "customer-3"]),
        limit=st.integers(1, 4),
    )
    def list_orders(self, customer_id, limit):
        return self._list(customer_id, limit, self._newest_first(customer_id), None)

    @rule(target=cursors, cursor=cursors, limit=st.integers(1, 4))
    def list_the_next_page(self, cursor, limit):
        """Also after other orders have been placed: no order is missing, and none comes twice."""
        text, customer_id, last = cursor
        orders = self._newest_first(customer_id)
        rest = orders[orders.index(last) + 1 :]
        return self._list(customer_id, limit, rest, text)

    @rule(cursor=cursors)
    def list_with_another_customers_cursor(self, cursor):
        query = {"cursor": cursor[0]}
        route = "GET /customers/{customer_id}/orders"
        assert self._send(route, query, customer_id="customer-3")[0] == 400

    def _list(self, customer_id, limit, expected, cursor):
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        route = "GET /customers/{customer_id}/orders"
        status, page, _ = self._send(route, query, customer_id=customer_id)
        assert status == 200
        shown = [(each["order_id"], each["status"]) for each in page["orders"]]
        assert shown == [(each.order_id, each.status) for each in expected[:limit]]
        if page["cursor"] is None:
            assert len(expected) <= limit
            return multiple()
        return page["cursor"], customer_id, expected[:limit][-1]

    # ── what other services report ──

    @rule(order=orders, event=events)
    def an_event_arrives(self, order, event):
        """Late, twice or too early: the status only moves forward."""
        event_type, name, status = event
        reported = example(event_type, name, order_id=order.order_id)
        self.tracker.track(delivered(Event(event_type, reported.detail)), CONTEXT)
        if RANKS[status] > RANKS[order.status]:
            order.status = status

    # ── what is always true ──

    @invariant()
    def table_and_bus_have_what_customers_were_promised(self):
        type(self).steps += 1
        rows = self.dynamodb.items["orders"]
        orders = {each.order_id: each for each in self.model.values()}
        assert rows.keys() == orders.keys()
        assert {name: row["status"]["S"] for name, row in rows.items()} == {
            name: order.status for name, order in orders.items()
        }
        assert Counter(map(_order_id, self.bus.entries)) == +self.published
        for entry in self.bus.entries:
            assert entry["Detail"] == rows[_order_id(entry)]["created_event"]["S"]

    # ── helpers ──

    def _fails(self):
        return self.faults.pop(0) if self.faults else None

    def _send(self, route, query=None, *, body=None, key=None, direct=False, **path):
        if direct:
            request = {"order": body} | ({"idempotency_key": key} if key else {})
        else:
            request = {
                "routeKey": route,
                "headers": {"idempotency-key": key} if key else {},
                "pathParameters": path,
                "queryStringParameters": query,
                "body": json.dumps(body),
            }
        response = self.app.api(request, CONTEXT)
        self.faults = []
        return response["statusCode"], json.loads(response["body"]), response["headers"]

    def _newest_first(self, customer_id):
        mine = [o for o in self.model.values() if o.body["customer_id"] == customer_id]
        return mine[::-1]

    @staticmethod
    def _assert_shown(response, order):
        shown = {
            "customer_id": order.body["customer_id"],
            "currency": order.body["currency"],
            "order_id": order.order_id,
            "status": order.status,
        }
        assert shown.items() <= response.items()
        assert "tok_" not in json.dumps(response)


def _order_id(entry):
    return json.loads(entry["Detail"])["data"]["order"]["order_id"]


def test_the_api_does_what_its_model_says_whatever_happens():
    run_state_machine_as_test(
        OrderMachine,
        settings=settings(
            max_examples=100,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    api_record.add({api_record.ORDER_STEPS: OrderMachine.steps})
