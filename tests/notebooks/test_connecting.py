"""Connecting to a stack, and leaving it as it was."""

import os
from dataclasses import replace
from types import SimpleNamespace

import boto3
import pytest

from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.notebooks import cleanup, connecting, connection
from workshop.notebooks import stock as shelf
from workshop.orders import api_client

TABLES = {"orders": "o", "payments": "p", "inventory": "i", "shipments": "s"}


def stack(stage=5, *, tables=TABLES, target=None):
    target = target or Target.local("some", "http://127.0.0.1:4999")
    functions = {"order-api": "orderflow-order-api"}
    outputs = Outputs("http://api", "orderflow-bus", "us-east-1", functions, tables, {})
    return Stack(target, stage, outputs)


@pytest.fixture
def goods(monkeypatch, tmp_path):
    """A shelf in memory, in the place of the Inventory table."""
    there = {}

    def read(_stack, skus):
        return {sku: there[sku] for sku in skus if sku in there}

    monkeypatch.setattr(api_client, "read_stock", read)
    monkeypatch.setattr(api_client, "set_stock", lambda _, stock: there.update(stock))
    monkeypatch.setattr(api_client, "take_off_the_shelf", lambda _, sku: there.pop(sku))
    monkeypatch.setattr(shelf, "_file", lambda _: tmp_path / "shelf-before.json")
    return there


@pytest.fixture
def up(monkeypatch, goods):
    """A stack that is up, on which nothing is wrong, with no orders of anybody's."""
    found = stack()
    forgotten = []
    monkeypatch.setattr(connecting, "current", lambda: found)
    monkeypatch.setattr(connecting, "nothing_is_wrong", lambda _: None)
    monkeypatch.setattr(cleanup, "forget_orders", lambda _, customer: forgotten.append(customer))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return SimpleNamespace(stack=found, forgotten=forgotten)


def test_boto3_is_led_to_the_stack_and_nowhere_else(up):
    """As `make env` would lead it: a profile of the reader's own has no say."""
    os.environ["AWS_PROFILE"] = "mine"
    os.environ["AWS_SESSION_TOKEN"] = "mine"
    connecting.connect(stage=1, customer="c")
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "test"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & os.environ.keys()


def test_what_an_interrupted_run_left_is_removed_first(up):
    connecting.connect(stage=1, customer="notebook-01")
    assert up.forgotten == ["notebook-01"]


def test_it_shows_what_there_is(up):
    shown = repr(connecting.connect(stage=1, customer="notebook-01")).splitlines()
    assert shown[0] == "stage      5, on the local cloud"
    assert "bus        orderflow-bus" in shown
    assert "customer   notebook-01" in shown
    assert shown[-1].startswith("shelf      KEYBOARD 100, ")
    assert not any(line.startswith("queues") for line in shown)


def test_something_wrong_on_purpose_is_told_before_anything_is_touched(up, goods, monkeypatch):
    def refuse(_):
        raise WorkshopError("The payment gateway is down: make gateway ARGS=up")

    monkeypatch.setattr(connecting, "nothing_is_wrong", refuse)
    with pytest.raises(WorkshopError, match="gateway is down"):
        connecting.connect(stage=1, customer="c")
    assert (goods, up.forgotten) == ({}, [])


def test_another_account_than_the_stacks_is_refused(up, monkeypatch):
    there = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)
    monkeypatch.setattr(connecting, "current", lambda: stack(target=there))
    monkeypatch.setattr(connecting.account_stack, "target", lambda _: SimpleNamespace(account="2"))
    with pytest.raises(WorkshopError, match=r"in account 1, and your AWS credentials .* account 2"):
        connecting.connect(stage=1, customer="c")


def test_the_shelf_is_full_and_then_as_it_was(up, goods):
    """What was there comes back, what was not goes again; connecting twice forgets nothing."""
    goods |= {"MOUSE": 7, "SOMEBODY-ELSES": 1}
    for _ in range(2):
        connecting.connect(stage=3, customer="c")
        assert goods == {**api_client.SHELVES, "SOMEBODY-ELSES": 1}
        goods["MOUSE"] -= 2
    shelf.restore(up.stack)
    assert goods == {"MOUSE": 7, "SOMEBODY-ELSES": 1}
    goods["MOUSE"] = 3
    shelf.restore(up.stack)
    assert goods["MOUSE"] == 3, "there was nothing to put back any more"


def test_a_killed_run_does_not_make_its_own_shelf_the_one_before(up, goods):
    """The next run, in another process, finds what was there before the first."""
    goods |= {"MOUSE": 7}
    connecting.connect(stage=3, customer="c")
    del goods["HEADSET"]  # and killed
    connecting.connect(stage=3, customer="d")
    shelf.restore(up.stack)
    assert goods == {"MOUSE": 7}


def test_a_shelf_of_a_stack_that_is_no_more_is_not_put_back(up, goods):
    shelf.fill(up.stack)
    anew = Stack(up.stack.target, 5, replace(up.stack.outputs, api_endpoint="http://another"))
    goods.clear()
    shelf.fill(anew)
    shelf.restore(anew)
    assert goods == {}


@pytest.mark.parametrize("customer", ["", None, "a b", "a" * 65])
def test_a_customer_that_is_none_is_refused(up, customer):
    with pytest.raises(WorkshopError, match="has 1 to 64 letters"):
        connecting.connect(stage=1, customer=customer)


@pytest.mark.parametrize("stage", ["5", 9, 0])
def test_a_stage_that_is_none_is_refused(up, stage):
    with pytest.raises(WorkshopError, match="There is no stage"):
        connecting.connect(stage=stage, customer="c")


def test_before_the_inventory_there_is_no_shelf(goods):
    early = stack(1, tables={"orders": "o"})
    shelf.fill(early)
    shelf.restore(early)
    assert goods == {}


@pytest.mark.parametrize(
    ("count", "told"), [(1, "1 order is forgotten"), (0, "0 orders are"), (50, "50 orders are")]
)
def test_clean_up_says_what_it_removed(monkeypatch, goods, capsys, count, told):
    switched = []
    monkeypatch.setattr(cleanup.gateway_switch, "switch", lambda _, *, up: switched.append(up))
    monkeypatch.setattr(cleanup, "forget_orders", lambda *_: count)
    cleanup.clean_up(connection.Connection(stack(), "c"))
    assert capsys.readouterr().out.startswith(told)
    assert switched == [True]


def test_orders_are_forgotten_only_when_nothing_of_them_is_under_way(monkeypatch):
    """Else the tracker would make their rows anew."""
    done = []
    looks = iter([["a", "b"], []])
    monkeypatch.setattr(cleanup, "orders_of", lambda *_: next(looks))
    monkeypatch.setattr(cleanup.waiting, "wait", lambda _, found: done.append(("wait", found)))
    monkeypatch.setattr(cleanup, "forget", lambda _, found: done.append(("forget", found)))
    assert cleanup.forget_orders(stack(), "c") == 2
    assert done == [("wait", ["a", "b"]), ("forget", ["a", "b"])]


def test_on_aws_orders_that_come_late_are_forgotten_too(monkeypatch):
    """An index lags behind its table: it is asked until nothing is found."""
    looks = iter([["a"], ["a", "b"], []])
    monkeypatch.setattr(cleanup, "orders_of", lambda *_: next(looks))
    monkeypatch.setattr(cleanup.waiting, "wait", lambda *_: None)
    monkeypatch.setattr(cleanup, "forget", lambda *_: None)
    monkeypatch.setattr(cleanup, "LAG_SECONDS", 0)
    there = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)
    assert cleanup.forget_orders(stack(target=there), "c") == 2
