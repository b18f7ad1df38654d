"""The verbs of orders and shelves."""

import pytest
from payment_service.gateway import TOKENS
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import orders
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import UsageError, WorkshopError
from workshop.orders import api_client, journey
from workshop.orders.journey import DeadEndError
from workshop.orders.signed_http import Answer


@pytest.fixture
def shelf(monkeypatch):
    """A stack whose inventory is a dictionary."""
    there = {}
    outputs = Outputs("", "bus", "us-east-1", {}, {}, {})
    stack = Stack(Target.local("default", "http://127.0.0.1:4999"), 4, outputs)
    monkeypatch.setattr(orders, "current", lambda: stack)
    monkeypatch.setattr(api_client, "set_stock", lambda _, stock: there.update(stock))
    monkeypatch.setattr(api_client, "read_stock", lambda _, skus: {sku: there[sku] for sku in skus})
    monkeypatch.setattr(api_client, "read_shelf", lambda _: there)
    return there


def run(*arguments):
    return CliRunner().invoke(app, arguments, standalone_mode=False)


def test_the_tokens_are_those_of_the_gateway():
    assert set(api_client.TOKENS) == set(TOKENS)


def test_the_help_lists_the_tokens():
    said = run("order", "--help").output
    assert all(token in said for token in TOKENS)


def test_the_whole_shelf_is_shown(shelf, capsys):
    shelf |= {"MOUSE": 5, "KEYBOARD": 9, "GHOST": 1}
    orders.stock()
    printed = capsys.readouterr()
    assert [line.split()[:2] for line in printed.out.splitlines()] == [
        ["KEYBOARD", "9"],
        ["MOUSE", "5"],
        ["GHOST", "1"],
    ]
    assert printed.err == "No stock item yet: MONITOR, HEADSET, WEBCAM.\n"


def test_goods_that_nobody_can_order_are_remarked_on(shelf, capsys):
    orders.stock(["GHOST=3"])
    assert shelf == {"GHOST": 3}
    remark = capsys.readouterr().err
    assert remark.startswith("Nobody can order GHOST. In the catalogue are KEYBOARD, ")
    assert len(remark.splitlines()) == 1


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "²"])
def test_pieces_are_a_whole_number(number):
    with pytest.raises(UsageError, match="PIECES is a whole number from 0"):
        orders.quantities([f"MOUSE={number}"], "PIECES")


@pytest.mark.parametrize("argument", ["MOUSE", "MOUSE=", "=3"])
def test_another_form_is_refused(argument):
    with pytest.raises(UsageError, match="The form is SKU=QUANTITY"):
        orders.quantities([argument])


def test_an_unknown_sku_is_answered_with_those_there_are(shelf, monkeypatch):
    def refuse(*_, **__):
        raise WorkshopError("The order was refused (422): so it is.")

    monkeypatch.setattr(api_client, "place_order", refuse)
    told = str(run("order", "GHOST=1").exception)
    assert told.startswith("The order was refused")
    assert told.endswith("In the catalogue are KEYBOARD, MOUSE, MONITOR, HEADSET, WEBCAM.")
    assert "catalogue" not in str(run("order", "MOUSE=1").exception)


@pytest.mark.parametrize("key", [None, "mine"])
def test_a_failure_of_the_service_names_the_key_to_try_again_with(shelf, monkeypatch, key):
    """Nobody knows whether the order was taken: only the same key makes a second try harmless."""
    sent = []

    def dies(*_, headers, **__):
        sent.append(headers["idempotency-key"])
        return Answer(502, {}, {"message": "Internal Server Error"})

    monkeypatch.setattr(api_client, "call_api", dies)
    with pytest.raises(WorkshopError, match=r"failed \(502\).* --key ") as told:
        api_client.place_order(None, {}, key=key)
    assert str(told.value).endswith(f"--key {sent[0]}")
    assert key in {None, sent[0]}


def test_without_an_id_the_newest_order_is_followed(shelf, monkeypatch):
    placed = [
        {"order_id": {"S": "ord_2"}, "placed_at": {"S": "2026-01-02"}},
        {"order_id": {"S": "ord_1"}, "placed_at": {"S": "2026-01-01"}},
        {"order_id": {"S": "by-hand"}},
    ]
    shown = []
    monkeypatch.setattr(Target, "client", lambda *_: Scan(placed))
    monkeypatch.setattr(journey, "table_name", lambda *_: "orders")
    monkeypatch.setattr(orders, "_show", lambda _, order_id: shown.append(order_id))
    orders.follow()
    orders.follow("ord_1")
    assert shown == ["ord_2", "ord_1"]
    placed.clear()
    with pytest.raises(UsageError, match="no order yet"):
        orders.follow()


class Scan:
    """A table that can only be read whole."""

    def __init__(self, items):
        self.items = items

    def get_paginator(self, operation):
        assert operation == "scan"
        return self

    def paginate(self, **_):
        return [{"Items": self.items}]


def test_a_dead_end_shows_the_rows_and_is_a_failure(shelf, monkeypatch, capsys):
    def stuck(*_, **__):
        raise DeadEndError("The order stands still at PAID.")
        yield

    monkeypatch.setattr(journey, "follow", stuck)
    monkeypatch.setattr(journey, "rows", lambda *_: {"orders": {"status": "PAID"}})
    with pytest.raises(DeadEndError):
        orders.follow("ord_1")
    assert "status=PAID" in capsys.readouterr().out
