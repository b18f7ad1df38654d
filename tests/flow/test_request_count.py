"""What an order costs: the requests and write units of its functions, counted.

They are held against `devtools/scaling/order.toml`: documents, costs and ceilings follow from it.
"""

import io
import json
import math
import re
from collections import Counter, deque
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from inventory_service import app as inventory
from order_service import app as order
from order_service.tracker_app import build_tracker
from payment_service import app as payment
from shipping_service import app as shipping

from devtools.scaling import order as model
from orderflow.errors import TransientError
from orderflow.event import Event
from orderflow.step import logger
from tests.fixtures.events import delivered, order_request
from workshop.event_patterns import matches
from workshop.paths import SERVICE_STAGES, in_stages
from workshop.stages import flow

ROOT = Path(__file__).resolve().parents[2]

KEYS = {name: table.key for name, table in flow().tables.items()}


class CountedFlow:
    """All functions in one process, events routed by the deployed patterns, requests counted."""

    def __init__(self, environment, bus, context, dynamodb):
        self.bus, self.context, self.dynamodb = bus, context, dynamodb
        self.requests, self.units = Counter(), Counter()
        self.ran = []
        self.sizes = {}
        self.running = None
        client = boto3.client("dynamodb")
        client.meta.events.register("before-call.dynamodb", self._count)
        for write in ("put_item", "update_item", "transact_write_items"):
            setattr(client, write, self._weighed(getattr(client, write)))
        aws = {"dynamodb": client, "events": bus}
        paying = payment.build(environment("payments"), **aws)
        self.entries = {
            "order-api": order.build(environment("orders"), **aws).api,
            "order-tracker": build_tracker(environment("orders"), dynamodb=client).track,
            "payment": paying.charge,
            "payment-refund": paying.refund,
            "inventory": inventory.build(environment("inventory"), **aws).reserve,
            "shipping": shipping.build(environment("shipments"), **aws).prepare,
        }
        self.patterns = {
            path.stem: path.read_text("utf-8") for path in in_stages("terraform/patterns/*.json")
        }

    def _count(self, model, **_):
        self.requests[self.running, model.name] += 1

    def _weighed(self, write):
        """The write, with its units counted as DynamoDB does: the larger of before and after."""

        def weigh(**parameters):
            table = _table_of(parameters)
            before = self._items(table)
            try:
                return write(**parameters)
            finally:
                self._weigh(table, before, self._items(table), parameters)

        return weigh

    def _weigh(self, table, before, after, parameters):
        actions = parameters.get("TransactItems")
        for action in actions or [{"Put": parameters}]:
            (target,) = action.values()
            name = target.get("Item", target.get("Key"))[KEYS[table]]["S"]
            versions = [items.get(name) for items in (before, after)]
            refused = [target.get("Item", {})] if versions == [None, None] else []
            largest = max(item_size(item or {}) for item in versions + refused)
            self.units[table] += units(largest) * (2 if actions else 1)
            self.sizes[table] = max(self.sizes.get(table, 0), largest)
            for index, (keys, others) in INDEXES[table].items():
                old, new = (entry(item, keys, others) for item in versions)
                if old != new:
                    self.units[index] += max(units(item_size(one)) for one in (old, new) if one)

    def _items(self, table):
        items = self.dynamodb.scan(TableName=f"orderflow-{table}")["Items"]
        return {item[KEYS[table]]["S"]: item for item in items}

    def run(self, function, payload):
        """Run one function, then everything its events set off; an event's consumers in turn."""
        answer, waiting = None, deque([(function, payload)])
        while waiting:
            self.running, payload = waiting.popleft()
            self.ran.append(self.running)
            try:
                response = self.entries[self.running](payload, self.context)
            finally:
                published, self.bus.entries = self.bus.entries, []
            answer = answer or response
            for entry in published:
                self.requests[self.running, "PutEvents"] += 1
                raw = delivered(Event.from_json(entry["DetailType"], entry["Detail"]))
                matching = [k for k, one in self.patterns.items() if matches(one, raw)]
                waiting.extend((key, raw) for key in sorted(matching))
        return answer


def _table_of(parameters):
    """Return the key of the table that a write is for."""
    for action in parameters.get("TransactItems", ()):
        (parameters,) = action.values()
    return parameters["TableName"].removeprefix("orderflow-")


def indexes():
    """What Terraform makes: table → index → its keys, and what else it carries (None: all)."""
    found = {table: {} for table in KEYS}
    for path in in_stages("terraform/main.tf", SERVICE_STAGES):
        table = re.findall(r'"aws_dynamodb_table" "(\w+)"', path.read_text("utf-8"))[0]
        blocks = re.findall(
            r"global_secondary_index \{(.*?)\n  \}", path.read_text("utf-8"), re.DOTALL
        )
        for block in blocks:
            said = dict(re.findall(r'(\w+)\s*= "([\w-]+)"', block))
            listed = re.search(r"non_key_attributes = \[(.*)\]", block)
            everything = said["projection_type"] == "ALL"
            others = None if everything else re.findall(r'"(\w+)"', listed[1] if listed else "")
            found[table][said["name"]] = ({said["hash_key"], said["range_key"]}, others)
    return found


INDEXES = indexes()


def entry(item, keys, others):
    """An item's entry in an index, or None if it has none."""
    if not item or not keys <= item.keys():
        return None
    wanted = item.keys() if others is None else {"order_id", *keys, *others}
    return {name: item[name] for name in wanted}


def units(size):
    """DynamoDB's write units: kilobytes begun."""
    return max(1, math.ceil(size / 1024))


def item_size(item):
    """An item's bytes, as DynamoDB documents them: its attributes' names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value):
    """The bytes of a value in DynamoDB's wire format."""
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return (len(held.strip("-")) + 1) // 2 + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_size(v) for name, v in held.items())
        case "L":
            return 3 + sum(1 + value_size(one) for one in held)
        case _:
            return 1


@pytest.fixture
def flow(environment, bus, context, dynamodb):
    flow = CountedFlow(environment, bus, context, dynamodb)
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
    assert flow.requests == documented() == model.requests()


AWAY = {"payment_method": {"token": "tok_unavailable"}}
ENDINGS = {
    "shipped": {},
    "declined": {"payment_method": {"token": "tok_declined"}},
    "refunded": {"lines": [{"sku": "KEYBOARD", "quantity": 1}, {"sku": "MOUSE", "quantity": 6}]},
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_model_counts_what_the_code_does(flow, ending):
    """However an order ends: the model knows its runs, its requests and its write units."""
    flow.run("order-api", {"order": order_request(**ENDINGS[ending])})
    example = replace(model.usual(), longer_bytes=0)
    assert Counter(flow.ran) == model.runs(ending)
    assert flow.requests == model.requests(ending)
    assert flow.units == model.write_units(example, ending)


def test_a_try_in_vain_writes_its_intent_only(flow):
    """A gateway that is away: what the model takes three times for an order redriven."""
    with pytest.raises(TransientError):
        flow.run("order-api", {"order": order_request(**AWAY)})
    assert flow.requests["payment", "UpdateItem"] == 1
    assert flow.requests["payment", "PutEvents"] == 0
    assert flow.units["payments"] == 1
    more = model.runs("redriven") - model.runs()
    assert more == {"payment": 3}


def test_the_model_knows_what_functions_write_to_their_logs(flow, capsys, monkeypatch):
    """Log lines and metrics: less than it takes for granted, for Lambda adds lines of its own."""
    lines = io.StringIO()
    for handler in logger.handlers:
        monkeypatch.setattr(handler, "stream", lines)
    flow.run("order-api", {"order": order_request()})
    metrics = capsys.readouterr().out
    written = len((lines.getvalue() + metrics).encode()) / len(flow.ran)
    assert 700 < written < model.assumed("log_bytes")
    response = [json.loads(line)["_aws"]["CloudWatchMetrics"] for line in metrics.splitlines()]
    names = {
        (function, metric["Name"])
        for function, (metric_set,) in zip(flow.ran, response, strict=True)
        for metric in metric_set["Metrics"]
    }
    assert len(names) == model.assumed("metrics_per_order")


@pytest.mark.parametrize("lines", range(1, 6))
def test_the_model_knows_how_large_items_are(flow, dynamodb, lines):
    """Never smaller than the code makes them, and larger by a twentieth at the most."""
    skus = ("KEYBOARD", "MOUSE", "MONITOR", "HEADSET", "WEBCAM")[:lines]
    for sku in skus:
        item = {"sku": {"S": sku}, "on_hand": {"N": "5"}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
    wanted = [{"sku": sku, "quantity": 1} for sku in skus]
    flow.run("order-api", {"order": order_request(lines=wanted)})
    shape = replace(model.usual(), lines=lines, longer_bytes=0)
    items = {"orders": "order", "payments": "payment", "inventory": "reservation"}
    for table, item in (items | {"shipments": "shipment"}).items():
        assert flow.sizes[table] <= model.item_bytes(shape, item) <= 1.05 * flow.sizes[table]


def test_the_model_knows_all_indexes():
    """Each of Terraform's indexes, with its table."""
    assert model.indexes() == {name: table for table, each in INDEXES.items() for name in each}


def test_an_order_sent_again_writes_nothing_new(flow, rows):
    """The whole journey again: every table stays as it was, every event goes out again."""
    payload = {"order": order_request(), "idempotency_key": "k"}
    flow.run("order-api", payload)
    before = {table: rows(table) for table in KEYS}
    flow.requests.clear()
    assert json.loads(flow.run("order-api", payload)["body"])["status"] == "SHIPMENT_PREPARED"
    assert {table: rows(table) for table in KEYS} == before
    assert sum(n for (_, request), n in flow.requests.items() if request == "PutEvents") == 4


def test_a_stock_out_gives_the_money_back(flow, rows):
    """Six mice of five: paid, refused, refunded."""
    lines = [{"sku": "MOUSE", "quantity": 6}]
    flow.run("order-api", {"order": order_request(lines=lines)})
    assert [row["status"] for row in rows("orders")] == ["REFUNDED"]
    assert [row["status"] for row in rows("payments")] == ["REFUNDED"]
    assert rows("shipments") == []
