"""The page on tables and indexes is true of Terraform and of the code."""

import importlib
import inspect
import json
import re

import pytest
from inventory_service.service import reserve
from inventory_service.store import DynamoInventoryStore
from order_service import service as orders
from order_service import status
from order_service.catalogue import load_catalogue
from order_service.store import DynamoOrderStore
from payment_service.gateway import SimulatedGateway
from payment_service.service import charge
from payment_service.store import DynamoPaymentStore
from shipping_service.service import prepare
from shipping_service.store import DynamoShipmentStore

from tests.fixtures.events import example, order_request
from workshop.paths import ROOT, in_stages

PAGE = (ROOT / "docs/data-model.md").read_text("utf-8")
TERRAFORM = {path: path.read_text("utf-8") for path in in_stages("terraform/*.tf")}
NOW = "2026-01-15T09:30:00.000Z"

_TABLE = re.compile(
    r'^resource "aws_dynamodb_table" "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL
)
_INDEX = re.compile(r"^  global_secondary_index \{\n(.*?)^  \}", re.MULTILINE | re.DOTALL)


def terraform_value(name, text):
    found = re.search(rf'^ *{name} += (?:"([\w-]+)"|(\[.*?\]))', text, re.MULTILINE)
    return found and (found[1] or ", ".join(json.loads(found[2])))


def tables():
    """Table → its key and its indexes' keys and projections, as Terraform makes them."""
    found = {}
    for text in TERRAFORM.values():
        for name, body in _TABLE.findall(text):
            indexes = {
                terraform_value("name", index): tuple(
                    terraform_value(each, index)
                    for each in ("hash_key", "range_key", "projection_type", "non_key_attributes")
                )
                for index in _INDEX.findall(body)
            }
            found[name] = (terraform_value("hash_key", body), indexes)
    return found


def section(title):
    """The page's text under a heading, up to the next."""
    found = re.search(rf"^(#+) {re.escape(title)}$", PAGE, re.MULTILINE)
    assert found, f"the page has no heading {title!r}"
    return re.split(r"^#+ ", PAGE[found.end() :], flags=re.MULTILINE)[0]


def lines_of(title):
    """The rows of the table under a heading, their cells as plain text."""
    rows = [line for line in section(title).splitlines() if line.startswith("| ")][1:]
    plain = [re.sub(r"\[(.+?)\]\(.+?\)", r"\1", row).replace("`", "") for row in rows]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in plain]


def test_every_table_of_terraform_is_documented_with_its_key():
    """The overview names each table and its key, and no other."""
    documented = {name.lower(): key for name, key, *_ in lines_of("The tables")}
    assert documented == {name: key for name, (key, _) in tables().items()}


CARRIED = {"ALL": "everything", "KEYS_ONLY": "nothing"}
"""Projection type → what the page says of it."""


def test_every_index_of_terraform_is_documented_and_no_other():
    """The page has each index with its keys and its projection."""
    documented = {row[1]: (row[0].lower(), *row[2:5]) for row in lines_of("The indexes")}
    made = {
        index: (table, hash_key, range_key, others or CARRIED[projection])
        for table, (_, indexes) in tables().items()
        for index, (hash_key, range_key, projection, others) in indexes.items()
    }
    assert documented == made


def test_no_index_is_named_that_does_not_exist():
    """Nowhere on the page is an index that Terraform does not make."""
    made = {index for _, indexes in tables().values() for index in indexes}
    assert set(re.findall(r"`((?:by|open)-[a-z-]+)`", PAGE)) == made


STORES = {
    "order_service.store": "DynamoOrderStore",
    "payment_service.store": "DynamoPaymentStore",
    "inventory_service.store": "DynamoInventoryStore",
    "shipping_service.store": "DynamoShipmentStore",
    "recovery.reconcile.store": "DynamoOpenOrders",
}
"""Every store behind DynamoDB."""


def test_no_store_is_left_out():
    """The stores that are looked at here are all that the stages have."""
    found = set()
    for path in in_stages("*/**/store.py"):
        package = ".".join(path.relative_to(ROOT).with_suffix("").parts[1:])
        found |= {
            (package, name) for name in re.findall(r"class (Dynamo\w+)", path.read_text("utf-8"))
        }
    assert found == set(STORES.items())


def patterns():
    """The access patterns documented: store, method, the operation's cell and the condition's."""
    row = re.compile(r"^\| `(\w+)\.(\w+)` \| (.*?) \| (.*?) \|", re.MULTILINE)
    return row.findall(PAGE)


@pytest.mark.parametrize(("module", "name"), STORES.items())
def test_every_way_to_the_tables_is_documented(module, name):
    """Each public method of a store has its line among the access patterns, and no other has."""
    store = getattr(importlib.import_module(module), name)
    methods = {each for each, _ in inspect.getmembers(store, inspect.isfunction) if each[0] != "_"}
    documented = [method for kind, method, *_ in patterns() if f"Dynamo{kind}" == name]
    assert sorted(documented) == sorted(methods)


def test_no_access_pattern_is_of_a_store_that_is_not_there():
    """Each line belongs to one of the stores."""
    assert {f"Dynamo{kind}" for kind, *_ in patterns()} == set(STORES.values())


OPERATIONS = {
    "put_item": "PutItem",
    "update_item": "UpdateItem",
    "get_item": "GetItem",
    "query": "Query",
    "transact_write_items": "TransactWriteItems",
}
"""What the stores may ask of DynamoDB; a Scan is not among it."""


@pytest.mark.parametrize(("module", "name"), STORES.items())
def test_the_documented_operations_are_those_that_are_made(module, name):
    """A store's lines name exactly the DynamoDB operations that its code calls; none scans."""
    source = inspect.getsource(importlib.import_module(module))
    called = set(re.findall(r"self\._dynamodb\.(\w+)", source))
    cells = [cell for kind, _, cell, _ in patterns() if f"Dynamo{kind}" == name]
    documented = {word for cell in cells for word in re.findall(r"`([A-Z]\w+)`", cell)}
    assert documented == {OPERATIONS[each] for each in called}


@pytest.mark.parametrize(("module", "name"), STORES.items())
def test_the_documented_conditions_are_those_in_the_code(module, name):
    """The store's code has each condition that the page quotes; … stands for a part."""
    source = inspect.getsource(importlib.import_module(module))
    cells = [cell for kind, *_, cell in patterns() if f"Dynamo{kind}" == name]
    for condition in re.findall(r"`(.+?)`", " ".join(cells)):
        for part in condition.split("…"):
            assert part in source, condition
    conditional = re.search(r"(?<!Key)ConditionExpression", source)
    assert bool(conditional) == any("`" in cell for cell in cells)


@pytest.fixture
def items(dynamodb, make_table, rows):
    """One item of each kind, written by the services' own code."""

    def store(kind, table):
        return kind(dynamodb, make_table(table))

    def clock():
        return NOW

    orders.place_order(
        order_request(),
        "my-first-key",
        store=store(DynamoOrderStore, "orders"),
        catalogue=load_catalogue(),
        clock=clock,
    )
    charge(
        example("OrderCreated"),
        store=store(DynamoPaymentStore, "payments"),
        gateway=SimulatedGateway(),
        clock=clock,
    )
    stock = store(DynamoInventoryStore, "inventory")
    for sku in ("KEYBOARD", "MOUSE"):
        item = {"sku": {"S": sku}, "on_hand": {"N": "10"}}
        dynamodb.put_item(TableName="orderflow-inventory", Item=item)
    reserve(example("PaymentProcessed", "succeeded"), store=stock, clock=clock)
    prepare(
        example("InventoryUpdated", "reserved"),
        store=store(DynamoShipmentStore, "shipments"),
        clock=clock,
    )
    (order,), (payment,), (shipment,) = (rows(each) for each in ("orders", "payments", "shipments"))
    inventory = {row["sku"]: row for row in rows("inventory")}
    return {
        "Orders": [order],
        "Payments": [payment],
        "Inventory": [inventory["KEYBOARD"], inventory["reservation#example-1"]],
        "Shipments": [shipment],
    }


def test_the_items_shown_are_what_the_code_writes(items):
    """Every field of an item is shown, with the value that the code gives it; … leaves one out."""
    for table, written in items.items():
        blocks = re.findall(r"```json\n(.*?)```", section(table), re.DOTALL)
        for item, shown in zip(written, map(json.loads, blocks), strict=True):
            assert shown.keys() == item.keys()
            for field, value in shown.items():
                assert value in (item[field], "…"), f"{table}: {field}"


WRITE_UNITS = 1000
"""Of one partition, in a second."""


def units(item):
    """The write units of an item: one for each kilobyte begun."""
    return -(-len(json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()) // 1024)


def test_the_limit_of_the_open_orders_follows_from_what_the_index_carries():
    """Keys only: in and out. With the status, it would be written at each step between, too."""
    _, indexes = tables()["orders"]
    writes = 2 if indexes["open-orders"][2] == "KEYS_ONLY" else status.FINAL_RANK
    assert f"**{WRITE_UNITS // writes} orders**" in PAGE


def test_the_limit_of_the_pick_list_follows_from_the_size_of_a_shipment(items):
    """An item is copied whole into the index; without its outcome it would be one unit."""
    (shipment,) = items["Shipments"]
    assert f"**{WRITE_UNITS // units(shipment)} shipments**" in PAGE
    del shipment["outcome"]
    assert units(shipment) == 1
