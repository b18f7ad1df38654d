"""Tests of the commands `order`, `stock` and `follow`."""

from datetime import UTC, datetime

import pytest
from payment_service.gateway import TOKENS
from typer.testing import CliRunner

from tests.fixtures.journeys import RETRIED
from workshop.cli import app
from workshop.commands import orders
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import UsageError, WorkshopError
from workshop.journeys import following, logs, order_rows
from workshop.journeys.following import StalledError
from workshop.journeys.hops import Hop
from workshop.journeys.svg import svg
from workshop.journeys.waterfall import waterfall_of
from workshop.orders import api_client
from workshop.orders.signed_http import Response


@pytest.fixture
def units(monkeypatch):
    """A stack with a dictionary as its inventory; returns the units on hand by SKU."""
    on_hand = {}
    outputs = Outputs("", "bus", "us-east-1", {}, {}, {})
    stack = Stack(Target.local("default", "http://127.0.0.1:4999"), 4, outputs)
    monkeypatch.setattr(orders, "current", lambda: stack)
    monkeypatch.setattr(api_client, "set_stock", lambda _, stock: on_hand.update(stock))
    monkeypatch.setattr(
        api_client, "read_stock", lambda _, skus: {sku: on_hand[sku] for sku in skus}
    )
    monkeypatch.setattr(api_client, "read_all_stock", lambda _: on_hand)
    return on_hand


def run(*arguments):
    return CliRunner().invoke(app, arguments, standalone_mode=False)


def test_tokens_are_those_of_the_gateway():
    assert set(api_client.TOKENS) == set(TOKENS)


def test_help_lists_the_tokens():
    text = run("order", "--help").output
    assert all(token in text for token in TOKENS)


def test_all_stock_is_shown(units, capsys):
    units |= {"MOUSE": 5, "KEYBOARD": 9, "GHOST": 1}
    orders.stock()
    printed = capsys.readouterr()
    assert [line.split()[:2] for line in printed.out.splitlines()] == [
        ["KEYBOARD", "9"],
        ["MOUSE", "5"],
        ["GHOST", "1"],
    ]
    assert printed.err == "No stock item yet: MONITOR, HEADSET, WEBCAM.\n"


def test_stock_outside_the_catalogue_gets_a_hint(units, capsys):
    orders.stock(["GHOST=3"])
    assert units == {"GHOST": 3}
    remark = capsys.readouterr().err
    assert remark.startswith("Nobody can order GHOST. In the catalogue are KEYBOARD, ")
    assert len(remark.splitlines()) == 1


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "²", "1" * 10, "1" * 41, "9" * 5000])
def test_quantity_is_a_whole_number(number):
    with pytest.raises(UsageError, match="UNITS is a whole number from 0"):
        orders.quantities([f"MOUSE={number}"], "UNITS")


@pytest.mark.parametrize("argument", ["MOUSE", "MOUSE=", "=3"])
def test_argument_of_another_form_is_refused(argument):
    with pytest.raises(UsageError, match="The form is SKU=QUANTITY"):
        orders.quantities([argument])


def test_quantities_of_a_repeated_sku_are_added(units, monkeypatch):
    sent = []
    monkeypatch.setattr(orders, "_show", lambda *_, **__: None)
    monkeypatch.setattr(
        api_client, "place_order", lambda _, body, **__: sent.append(body) or {"order_id": "o"}
    )
    orders.order(["MOUSE=1", "KEYBOARD=1", "MOUSE=2"])
    assert sent[0]["lines"] == [
        {"sku": "MOUSE", "quantity": 3},
        {"sku": "KEYBOARD", "quantity": 1},
    ]


def test_stock_of_a_repeated_sku_is_refused(units):
    """It is unclear which of two numbers counts."""
    with pytest.raises(UsageError, match="MOUSE is there more than once"):
        orders.stock(["MOUSE=1", "MOUSE=2"])
    assert units == {}


@pytest.mark.parametrize("sku", ["reservation#ord_1", "85123 A", "MAUS™", "x" * 65, "-"])
def test_stock_of_an_invalid_sku_is_refused(units, sku):
    """The first would replace an order's reservation, which is in the same table."""
    with pytest.raises(UsageError, match="A SKU has letters, digits"):
        orders.stock([f"{sku}=1"])
    assert units == {}


def test_error_for_an_unknown_sku_lists_the_catalogue(units, monkeypatch):
    def refuse(*_, **__):
        raise WorkshopError("The order was refused (422): so it is.")

    monkeypatch.setattr(api_client, "place_order", refuse)
    error = str(run("order", "GHOST=1").exception)
    assert error.startswith("The order was refused")
    assert error.endswith("In the catalogue are KEYBOARD, MOUSE, MONITOR, HEADSET, WEBCAM.")
    assert "catalogue" not in str(run("order", "MOUSE=1").exception)


@pytest.mark.parametrize("key", [None, "mine"])
def test_error_of_the_service_names_the_idempotency_key(units, monkeypatch, key):
    """The order may be stored: only the same key makes a retry safe."""
    sent = []

    def dies(*_, headers, **__):
        sent.append(headers["idempotency-key"])
        return Response(502, {}, {"message": "Internal Server Error"})

    monkeypatch.setattr(api_client, "call_api", dies)
    with pytest.raises(WorkshopError, match=r"failed \(502\).* --key ") as caught:
        api_client.place_order(None, {}, key=key)
    assert str(caught.value).endswith(f"--key {sent[0]}")
    assert key in {None, sent[0]}


def test_newest_order_is_followed_without_an_id(units, monkeypatch):
    placed = [
        {"order_id": {"S": "ord_2"}, "placed_at": {"S": "2026-01-02"}},
        {"order_id": {"S": "ord_1"}, "placed_at": {"S": "2026-01-01"}},
        {"order_id": {"S": "manual"}},
    ]
    shown = []
    monkeypatch.setattr(Target, "client", lambda *_: Scan(placed))
    monkeypatch.setattr(order_rows, "table_name", lambda *_: "orders")
    monkeypatch.setattr(orders, "_show", lambda _, order_id, **__: shown.append(order_id))
    orders.follow()
    orders.follow("ord_1")
    assert shown == ["ord_2", "ord_1"]
    placed.clear()
    with pytest.raises(UsageError, match="no order yet"):
        orders.follow()


class Scan:
    """A table that supports only scans."""

    def __init__(self, items):
        self.items = items

    def get_paginator(self, operation):
        assert operation == "scan"
        return self

    def paginate(self, **_):
        return [{"Items": self.items}]


def test_stalled_order_shows_the_rows_and_is_an_error(units, monkeypatch, capsys):
    def stalled(*_, **__):
        raise StalledError("The order is stalled at PAID.")
        yield

    monkeypatch.setattr(following, "follow", stalled)
    monkeypatch.setattr(orders, "report_backlog", lambda _: None)
    monkeypatch.setattr(order_rows, "rows", lambda *_: {"orders": {"status": "PAID"}})
    with pytest.raises(StalledError):
        orders.follow("ord_1")
    assert "status=PAID" in capsys.readouterr().out


@pytest.mark.parametrize(("waiting", "hint"), [(0, ""), (3, "make follow")])
def test_status_is_output_and_late_deliveries_are_mentioned(
    units, monkeypatch, capsys, waiting, hint
):
    """Lines in a file do not end with spaces."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    hop = Hop(at, "reconciler", "republished", "")
    monkeypatch.setattr(following, "follow", lambda *_, **__: [hop])
    monkeypatch.setattr(order_rows, "rows", lambda *_: {"orders": {"status": "PAID"}})
    monkeypatch.setattr(order_rows, "status", lambda *_: "PAID")
    monkeypatch.setattr(orders, "report_backlog", lambda _: None)
    monkeypatch.setattr(orders, "queued", lambda _: waiting)
    orders.follow("ord_1")
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[-1] == "The order is PAID."
    assert not [line for line in lines if line != line.rstrip()]
    assert printed.err == (
        f"Deliveries still queued: 3. To see them later: {hint}\n" if hint else ""
    )


@pytest.fixture
def settled(monkeypatch, tmp_path):
    """An order that needed a retry, in a stack without a cloud; the root is another folder."""
    monkeypatch.setattr(following, "follow", lambda *_, **__: iter(RETRIED))
    monkeypatch.setattr(logs, "waterfall", lambda *_: waterfall_of(RETRIED))
    monkeypatch.setattr(order_rows, "status", lambda *_: "SHIPMENT_PREPARED")
    monkeypatch.setattr(orders, "report_backlog", lambda _: None)
    monkeypatch.setattr(orders, "queued", lambda _: 0)
    monkeypatch.setattr(orders, "ROOT", tmp_path)
    monkeypatch.setattr(orders, "STATE", tmp_path / ".workshop")
    return tmp_path


def test_waterfall_has_a_line_for_each_run_and_no_hops(units, settled, capsys):
    orders.follow("ord_1", waterfall=True)
    lines = capsys.readouterr().out.splitlines()
    names = [line.split("  ")[1].strip() for line in lines[1:-4]]
    assert names == [
        "order-api",
        "payment",
        "payment · try 2",
        "payment · try 3",
        "inventory",
        "shipping",
        "order-tracker",
    ]
    assert (lines[0], lines[-1]) == ("ord_1", "The order is SHIPMENT_PREPARED.")
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line != line.rstrip()]


def test_picture_is_written_where_the_output_says(units, settled, capsys):
    orders.follow("ord_1", svg=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "The picture: .workshop/waterfalls/ord_1.svg"
    picture = (settled / ".workshop/waterfalls/ord_1.svg").read_text("utf-8")
    assert picture == svg(waterfall_of(RETRIED), heading="ord_1", standalone=True)


def test_waterfall_of_a_stalled_order_shows_how_far_it_came(units, settled, monkeypatch, capsys):
    def stalled(*_, **__):
        raise StalledError("The order is stalled at PAID.")
        yield

    monkeypatch.setattr(following, "follow", stalled)
    with pytest.raises(StalledError):
        orders.follow("ord_1", waterfall=True)
    assert "failed: GatewayUnavailableError" in capsys.readouterr().out


@pytest.mark.parametrize(
    "value", [{"N": "12.5"}, {"N": "-3"}, {"S": "a dozen"}, {"S": "7"}, {"NULL": True}, {"L": []}]
)
def test_stock_item_without_a_number_of_units_is_named(aws, make_table, monkeypatch, value):
    """The inventory refuses it, too: `make stock` says which item, and how to set it."""
    table = make_table("inventory")
    outputs = Outputs("", "bus", "us-east-1", {}, {"inventory": table}, {})
    stack = Stack(Target("aws-1", "us-east-1", "123456789012", None, own=False), 4, outputs)
    monkeypatch.setattr(orders, "current", lambda: stack)
    stack.client("dynamodb").put_item(
        TableName=table, Item={"sku": {"S": "MOUSE"}, "on_hand": value}
    )
    error = run("stock").exception
    assert isinstance(error, WorkshopError)
    assert str(error).endswith("not a whole number from 0. Set them: make stock ARGS=MOUSE=10")
    with pytest.raises(WorkshopError, match="MOUSE has "):
        api_client.read_stock(stack, ["MOUSE"])
    assert run("stock", "MOUSE=10").output.split() == ["MOUSE", "10", "on", "hand"]
