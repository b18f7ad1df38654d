"""What must be true after a soak, whatever was injected: each rule, and what breaks it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from devtools.soak.orders import SCARCE, Wanted
from workshop.deployment.stack import Stack
from workshop.journeys.order_rows import Row
from workshop.orders import ledger
from workshop.orders.tables import table_name
from workshop.stages import flow

Tables = Mapping[str, Mapping[str, Row]]
"""Table → the value of its key → row."""


def read(stack: Stack) -> Tables:
    """Return all rows of all tables."""
    from orderflow.dynamodb import from_wire

    found: dict[str, dict[str, Row]] = {}
    for table, about in flow().tables.items():
        pages = (
            stack.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=table_name(stack, table), ConsistentRead=True)
        )
        rows = [from_wire(item) for page in pages for item in page["Items"]]
        found[table] = {str(row[about.key]): row for row in rows}
    return found


def breaches(tables: Tables, orders: Mapping[str, Wanted], stock: Mapping[str, int]) -> list[str]:
    """Return each breach of the rules in a sentence; none if the books are balanced.

    Args:
        tables: All rows.
        orders: The accepted orders by id.
        stock: SKU → units at the start.
    """
    return [*_orders(tables, orders), *_stock(tables, orders, stock)]


def totals(tables: Tables, orders: Mapping[str, Wanted]) -> dict[str, dict[str, int]]:
    """Return the sums: `money` in the minor unit, and the number of `orders` by status."""
    there = [each for each in orders if each in tables["orders"]]
    entries = [ledger.entry(rows_of(tables, each)) for each in there]
    money = {
        "charged": sum(each.charged for each in entries),
        "refunded": sum(each.refunded for each in entries),
        "shipped": sum(each.shipped for each in entries),
    }
    statuses = Counter(str(tables["orders"][each]["status"]) for each in there)
    return {"money": money, "orders": dict(statuses.most_common())}


def _orders(tables: Tables, orders: Mapping[str, Wanted]) -> Iterator[str]:
    if strange := tables["orders"].keys() - orders.keys():
        yield f"{len(strange)} orders nobody placed, such as {min(strange)}"
    for order_id, wanted in orders.items():
        rows = rows_of(tables, order_id)
        if "orders" not in rows:
            yield f"{order_id} is lost"
            continue
        status = rows["orders"]["status"]
        if status not in wanted.endings:
            yield f"{order_id} is {status}, not {' or '.join(sorted(wanted.endings))}"
        entry = ledger.entry(rows)
        if not entry.is_balanced:
            yield f"{order_id} is not balanced: {entry}"
        if bool(entry.units) != (status == "SHIPMENT_PREPARED"):
            yield f"{order_id} is {status}, and its shipped units are {dict(entry.units)}"
        if entry.units and entry.charged != rows["orders"]["total"]:
            yield f"{order_id} is shipped, and {entry.charged} of {rows['orders']['total']} charged"


def _stock(tables: Tables, orders: Mapping[str, Wanted], stock: Mapping[str, int]) -> Iterator[str]:
    reserved: Counter[str] = Counter()
    for order_id in orders:
        if "orders" in (rows := rows_of(tables, order_id)):
            reserved.update(ledger.entry(rows).reserved)
    for sku, initial in stock.items():
        left = int(tables["inventory"][sku]["on_hand"])
        if left < 0:
            yield f"{sku} has {left} units"
        if left + reserved[sku] != initial:
            yield f"{sku}: {left} in stock and {reserved[sku]} reserved are not {initial}"
        refunded = sum(
            sku in wanted.lines and tables["orders"].get(each, {}).get("status") == "REFUNDED"
            for each, wanted in orders.items()
        )
        if sku == SCARCE and left and refunded:
            yield f"{sku}: {refunded} orders are refunded, and {left} units are in stock"


def rows_of(tables: Tables, order_id: str) -> dict[str, Any]:
    """Return an order's row in each table that has one."""
    found = {}
    for table, about in flow().tables.items():
        (key,) = about.key_of(order_id)[about.key].values()
        if key in tables[table]:
            found[table] = tables[table][key]
    return found
