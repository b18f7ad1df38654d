"""Tests of connecting to a stack, and of restoring it."""

import os
from dataclasses import replace
from types import SimpleNamespace

import boto3
import pytest

from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.notebooks import cleanup, connecting, connection, stock
from workshop.orders import api_client

TABLES = {"orders": "o", "payments": "p", "inventory": "i", "shipments": "s"}


def stack(stage=5, *, tables=TABLES, target=None):
    target = target or Target.local("some", "http://127.0.0.1:4999")
    functions = {"order-api": "orderflow-order-api"}
    outputs = Outputs("http://api", "orderflow-bus", "us-east-1", functions, tables, {})
    return Stack(target, stage, outputs)


@pytest.fixture
def units(monkeypatch, tmp_path):
    """Stock in memory instead of the Inventory table."""
    items = {}

    def read(_stack, skus):
        return {sku: items[sku] for sku in skus if sku in items}

    monkeypatch.setattr(api_client, "read_stock", read)
    monkeypatch.setattr(api_client, "set_stock", lambda _, added: items.update(added))
    monkeypatch.setattr(api_client, "delete_stock_item", lambda _, sku: items.pop(sku))
    monkeypatch.setattr(stock, "_file", lambda _: tmp_path / "stock-before.json")
    return items


@pytest.fixture
def up(monkeypatch, units):
    """A running stack without faults and without orders."""
    found = stack()
    customers = []
    monkeypatch.setattr(connecting, "current", lambda: found)
    monkeypatch.setattr(connecting, "ensure_no_faults", lambda _: None)
    monkeypatch.setattr(cleanup, "delete_orders_of", lambda _, customer: customers.append(customer))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return SimpleNamespace(stack=found, cleaned_up=customers)


def test_boto3_uses_the_stack_whatever_the_environment_has(up):
    """It gets the variables of `make env`; the user's own profile is ignored."""
    os.environ["AWS_PROFILE"] = "mine"
    os.environ["AWS_SESSION_TOKEN"] = "mine"
    connecting.connect(stage=1, customer="c")
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "test"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & os.environ.keys()


def test_connect_deletes_the_orders_of_an_interrupted_run(up):
    connecting.connect(stage=1, customer="notebook-01")
    assert up.cleaned_up == ["notebook-01"]


def test_connection_shows_the_parts_of_the_stack(up):
    shown = repr(connecting.connect(stage=1, customer="notebook-01")).splitlines()
    assert shown[0] == "stage      5, on the local cloud"
    assert "bus        orderflow-bus" in shown
    assert "customer   notebook-01" in shown
    assert shown[-1].startswith("stock      KEYBOARD 100, ")
    assert not any(line.startswith("queues") for line in shown)


def test_injected_fault_is_an_error_before_anything_is_changed(up, units, monkeypatch):
    def refuse(_):
        raise WorkshopError("The payment gateway is down: make gateway ARGS=up")

    monkeypatch.setattr(connecting, "ensure_no_faults", refuse)
    with pytest.raises(WorkshopError, match="gateway is down"):
        connecting.connect(stage=1, customer="c")
    assert (units, up.cleaned_up) == ({}, [])


def test_credentials_of_another_account_are_refused(up, monkeypatch):
    there = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)
    monkeypatch.setattr(connecting, "current", lambda: stack(target=there))
    monkeypatch.setattr(connecting.account_stack, "target", lambda _: SimpleNamespace(account="2"))
    with pytest.raises(WorkshopError, match=r"in account 1\. Your AWS credentials .* account 2"):
        connecting.connect(stage=1, customer="c")


def test_stock_is_that_of_the_demo_and_then_restored(up, units):
    """Restoring also deletes new items; connecting twice loses nothing."""
    units |= {"MOUSE": 7, "SOMEBODY-ELSES": 1}
    for _ in range(2):
        connecting.connect(stage=3, customer="c")
        assert units == {**api_client.DEMO_STOCK, "SOMEBODY-ELSES": 1}
        units["MOUSE"] -= 2
    stock.restore(up.stack)
    assert units == {"MOUSE": 7, "SOMEBODY-ELSES": 1}
    units["MOUSE"] = 3
    stock.restore(up.stack)
    assert units["MOUSE"] == 3, "a second restore changed the stock"


def test_stock_before_a_killed_run_is_restored_by_the_next(up, units):
    """The saved stock is that before the first run."""
    units |= {"MOUSE": 7}
    connecting.connect(stage=3, customer="c")
    del units["HEADSET"]  # the run is killed here
    connecting.connect(stage=3, customer="d")
    stock.restore(up.stack)
    assert units == {"MOUSE": 7}


def test_stock_of_a_removed_stack_is_not_restored(up, units):
    stock.fill(up.stack)
    recreated = Stack(up.stack.target, 5, replace(up.stack.outputs, api_endpoint="http://another"))
    units.clear()
    stock.fill(recreated)
    stock.restore(recreated)
    assert units == {}


@pytest.mark.parametrize("customer", ["", None, "a b", "a" * 65])
def test_invalid_customer_id_is_refused(up, customer):
    with pytest.raises(WorkshopError, match="has 1 to 64 letters"):
        connecting.connect(stage=1, customer=customer)


@pytest.mark.parametrize("stage", ["5", 9, 0])
def test_unknown_stage_is_refused(up, stage):
    with pytest.raises(WorkshopError, match="There is no stage"):
        connecting.connect(stage=stage, customer="c")


def test_stock_is_not_set_on_a_stack_without_inventory(units):
    early = stack(1, tables={"orders": "o"})
    stock.fill(early)
    stock.restore(early)
    assert units == {}


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "Deleted 1 order,"), (0, "Deleted 0 orders,"), (50, "Deleted 50 orders,")],
)
def test_clean_up_says_how_many_orders_it_deleted(monkeypatch, units, capsys, count, text):
    switched = []
    monkeypatch.setattr(cleanup.gateway_switch, "switch", lambda _, *, up: switched.append(up))
    monkeypatch.setattr(cleanup, "delete_orders_of", lambda *_: count)
    cleanup.clean_up(connection.Connection(stack(), "c"))
    assert capsys.readouterr().out.startswith(text)
    assert switched == [True]


def test_orders_are_deleted_only_when_none_is_processed(monkeypatch):
    """Otherwise the tracker would create their rows again."""
    done = []
    queries = iter([["a", "b"], []])
    monkeypatch.setattr(cleanup, "orders_of", lambda *_: next(queries))
    monkeypatch.setattr(cleanup.waiting, "wait", lambda _, found: done.append(("wait", found)))
    monkeypatch.setattr(
        cleanup, "delete_orders", lambda _, found: done.append(("delete_orders", found))
    )
    assert cleanup.delete_orders_of(stack(), "c") == 2
    assert done == [("wait", ["a", "b"]), ("delete_orders", ["a", "b"])]


def test_orders_that_the_index_shows_late_are_deleted_on_aws(monkeypatch):
    """An index lags behind its table: it is queried until it returns nothing."""
    queries = iter([["a"], ["a", "b"], []])
    monkeypatch.setattr(cleanup, "orders_of", lambda *_: next(queries))
    monkeypatch.setattr(cleanup.waiting, "wait", lambda *_: None)
    monkeypatch.setattr(cleanup, "delete_orders", lambda *_: None)
    monkeypatch.setattr(cleanup, "LAG_SECONDS", 0)
    there = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)
    assert cleanup.delete_orders_of(stack(target=there), "c") == 2
