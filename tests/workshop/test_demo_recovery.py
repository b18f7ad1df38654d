"""Tests of the demo's second part: it shows the redrive, checks results, and removes the causes."""

from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace

import pytest
from recovery.redrive.consumers import Failure
from rich.console import Console

from tests.workshop.fake_queues import CONSUMERS, FakeConsumers, FakeQueues, dead_letter
from workshop.errors import WorkshopError
from workshop.journeys.hops import Hop
from workshop.orders import demo_recovery
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import DeadLetters

OTHER = dead_letter("other", "payment", order_id="ord_before", seconds=3600)


class World:
    """A fake stack: an order fails when what it needs is missing."""

    def __init__(self, monkeypatch):
        self.queues, self.consumers = FakeQueues(), FakeConsumers()
        self.gateway_up, self.in_stock = True, True
        self.orders = []
        self.errors = {"ord_1": ("inventory", "UnknownSkuError")}
        self.errors["ord_2"] = ("payment", "GatewayUnavailableError")
        dlqs = DeadLetters(self.queues, self.consumers, CONSUMERS)
        monkeypatch.setattr(dead_letters, "of", lambda _: dlqs)
        monkeypatch.setattr(demo_recovery, "gateway_switch", SimpleNamespace(switch=self.switch))
        monkeypatch.setattr(
            demo_recovery,
            "api_client",
            SimpleNamespace(
                order_request=lambda lines, token: {},
                place_order=self.place,
                set_stock=self.set_stock,
                delete_stock_item=self.delete_stock_item,
                DEMO_STOCK={demo_recovery.SKU: 100},
            ),
        )
        fakes = {
            "logs": SimpleNamespace(hops=lambda _, order_id: [hop(order_id, "failed")]),
            "following": SimpleNamespace(follow=self.follow, POLL_SECONDS=0),
            "order_rows": SimpleNamespace(
                status=lambda *_: "PAID",
                rows=lambda *_: {"orders": {"status": "SHIPMENT_PREPARED"}},
            ),
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(demo_recovery, name, fake)

    def switch(self, _stack, *, up):
        self.gateway_up = up

    def delete_stock_item(self, _stack, _sku):
        self.in_stock = False

    def set_stock(self, _stack, stock):
        assert stock == {demo_recovery.SKU: 100}
        self.in_stock = True

    def place(self, _stack, _request):
        order_id = f"ord_{len(self.orders) + 1}"
        self.orders.append((order_id, self.gateway_up, self.in_stock))
        consumer, error = self.errors[order_id]
        self.queues.put(dead_letter(f"of {order_id}", consumer, order_id=order_id, error=error))
        return {"order_id": order_id}

    def follow(self, _stack, order_id, *, seconds):
        return iter([hop(order_id, "failed"), hop(order_id, "consumed")])


def hop(order_id, what):
    return Hop(datetime(2026, 1, 1, tzinfo=UTC), "payment", what, f"{what} of {order_id}")


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def run():
    console = Console(width=80, record=True, file=StringIO())
    endings = demo_recovery.run(None, console, first=5)
    return endings, console.export_text()


def test_two_orders_fail_are_listed_and_are_redriven(world):
    endings, output = run()
    assert world.orders == [("ord_1", True, False), ("ord_2", False, False)]
    assert [ending.order_id for ending in endings] == ["ord_1", "ord_2"]
    parts = [
        "5. ",
        "6. ",
        "UnknownSkuError",
        "GatewayUnavailableError",
        "make stock",
        "✓",
        "continues",
    ]
    places = [output.index(part) for part in parts]
    assert places == sorted(places)
    assert world.queues.dead_letters == {}
    assert (world.gateway_up, world.in_stock) == (True, True)
    assert max(map(len, output.splitlines())) <= 80


def test_hop_is_shown_once(world):
    """A failure is shown when it happens, even if only the last read returns it."""
    _, output = run()
    before, _, after = output.partition("continues")
    assert "failed of ord_1" in before
    assert "consumed of ord_1" in after
    assert "failed of ord_1" not in after


def test_dead_letters_of_other_orders_are_left_alone(world):
    world.queues.put(OTHER)
    _, output = run()
    assert list(world.queues.dead_letters) == ["other"]
    assert "ord_before" not in output


def test_unexpected_error_of_a_function_ends_the_demo(world):
    world.errors["ord_1"] = ("inventory", "InventoryBusyError")
    with pytest.raises(WorkshopError, match="hold ord_1: inventory InventoryBusyError"):
        run()
    assert (world.gateway_up, world.in_stock) == (True, True)


def test_failed_redrive_ends_the_demo(world):
    world.consumers.answers["payment"] = Failure("GatewayUnavailableError", "still down")
    with pytest.raises(WorkshopError, match=r"ord_2: failed_again.*, not .*ord_2: redriven"):
        run()


def test_remaining_dead_letter_ends_the_demo(world, monkeypatch):
    def invoke(consumer, event):
        if consumer == "payment":
            late = dead_letter("again", "payment", order_id="ord_2", seconds=-3600)
            world.queues.put(late)

    monkeypatch.setattr(world.consumers, "invoke", invoke)
    with pytest.raises(WorkshopError, match="A dead letter is still in its queue"):
        run()


def test_order_without_a_dead_letter_ends_the_demo(world, monkeypatch):
    monkeypatch.setattr(demo_recovery, "FOLLOW_SECONDS", -1.0)
    monkeypatch.setattr(world.queues, "put", lambda *_: None)
    with pytest.raises(WorkshopError, match="Order ord_1 is in no dead-letter queue"):
        run()


@pytest.mark.parametrize("ends", [KeyboardInterrupt, WorkshopError])
def test_gateway_and_stock_are_restored_however_the_demo_ends(world, monkeypatch, capsys, ends):
    def stop(*_):
        assert (world.gateway_up, world.in_stock) == (False, False)
        raise ends("now")

    monkeypatch.setattr(dead_letters, "look", stop)
    with pytest.raises(ends):
        run()
    assert (world.gateway_up, world.in_stock) == (True, True)
    assert "make redrive" in capsys.readouterr().err


def test_gateway_is_switched_on_when_stock_cannot_be_set(world, monkeypatch, capsys):
    def refuse(*_):
        raise WorkshopError("no")

    monkeypatch.setattr(demo_recovery.api_client, "set_stock", refuse)
    with pytest.raises(WorkshopError):
        run()
    assert world.gateway_up
    assert "the stock is restored" not in capsys.readouterr().err
