"""What an order costs: the AWS requests its functions make, counted and held against the docs."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from moto.events.models import EventPattern

from orderflow.event import Event
from tests.fixtures.events import delivered, order_request

ROOT = Path(__file__).resolve().parents[2]

FUNCTIONS = {
    "order-api": ("order_service.handler", "api"),
    "order-tracker": ("order_service.tracker", "track"),
    "payment": ("payment_service.handler", "charge"),
    "payment-refund": ("payment_service.handler", "refund"),
    "inventory": ("inventory_service.handler", "reserve"),
    "shipping": ("shipping_service.handler", "prepare"),
}
TABLES = {
    "order_service.handler": "orders",
    "order_service.tracker": "orders",
    "payment_service.handler": "payments",
    "inventory_service.handler": "inventory",
    "shipping_service.handler": "shipments",
}


class CountedFlow:
    """All functions in one process, events routed by the deployed patterns, requests counted."""

    def __init__(self, load_handler, bus, context):
        self.bus, self.context = bus, context
        self.requests = Counter()
        self.running = None
        self.modules = {
            name: load_handler(name.split(".")[0], table, name.split(".")[1])
            for name, table in TABLES.items()
        }
        for module in self.modules.values():
            module.store._dynamodb.meta.events.register("before-call.dynamodb", self._count)
        self.patterns = {
            path.stem: EventPattern.load(path.read_text("utf-8"))
            for path in ROOT.glob("0*/terraform/patterns/*.json")
        }

    def _count(self, model, **_):
        self.requests[self.running, model.name] += 1

    def run(self, function, payload):
        """Run one function, then everything its events set off."""
        module, entry = FUNCTIONS[function]
        self.running = function
        answer = getattr(self.modules[module], entry)(payload, self.context)
        published, self.bus.entries = self.bus.entries, []
        for entry in published:
            self.requests[function, "PutEvents"] += 1
            raw = delivered(Event.from_json(entry["DetailType"], entry["Detail"]))
            for key, pattern in self.patterns.items():
                if pattern.matches_event(raw):
                    self.run(key, raw)
        return answer


@pytest.fixture
def flow(load_handler, bus, context, dynamodb):
    flow = CountedFlow(load_handler, bus, context)
    for sku in ("KEYBOARD", "MOUSE"):
        item = {"sku": {"S": sku}, "on_hand": {"N": "5"}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
    return flow


def documented():
    """The table of docs/cost.md: (function, request) → times."""
    text = (ROOT / "docs" / "cost.md").read_text("utf-8")
    found = re.findall(r"^\| ([\w-]+) \| (\w+) \| (\d+) \|", text, re.MULTILINE)
    return {(function, request): int(times) for function, request, times in found}


def test_a_shipped_order_makes_the_documented_requests(flow, rows):
    """One order through four services: as many requests as docs/cost.md says, of every kind."""
    answer = flow.run("order-api", {"order": order_request()})
    assert answer["statusCode"] == 201
    assert [row["status"] for row in rows("orders")] == ["SHIPMENT_PREPARED"]
    assert flow.requests == documented()


def test_an_order_sent_again_writes_nothing_new(flow, rows):
    """The whole journey again: every table stays as it was, every event goes out again."""
    payload = {"order": order_request(), "idempotency_key": "k"}
    flow.run("order-api", payload)
    before = {table: rows(table) for table in TABLES.values()}
    flow.requests.clear()
    assert json.loads(flow.run("order-api", payload)["body"])["status"] == "SHIPMENT_PREPARED"
    assert {table: rows(table) for table in TABLES.values()} == before
    assert sum(n for (_, request), n in flow.requests.items() if request == "PutEvents") == 4


def test_a_stock_out_gives_the_money_back(flow, rows):
    """Six mice of five: paid, refused, refunded."""
    lines = [{"sku": "MOUSE", "quantity": 6}]
    flow.run("order-api", {"order": order_request(lines=lines)})
    assert [row["status"] for row in rows("orders")] == ["REFUNDED"]
    assert [row["status"] for row in rows("payments")] == ["REFUNDED"]
    assert rows("shipments") == []
