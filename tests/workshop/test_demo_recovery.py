"""The demo's second part: it shows the way back, checks itself, and mends what it broke."""

from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace

import pytest
from recovery.redrive.consumers import Refusal
from rich.console import Console

from tests.workshop.fake_queues import CONSUMERS, FakeConsumers, FakeQueues, letter
from workshop.errors import WorkshopError
from workshop.orders import demo_recovery
from workshop.orders.journey import Hop, Looks
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import DeadLetters

STRANGER = letter("stranger", "payment", order_id="ord_before", seconds=3600)


class World:
    """A stack as far as the demo sees it: an order fails when what it needs is missing."""

    def __init__(self, monkeypatch):
        self.queues, self.consumers = FakeQueues(), FakeConsumers()
        self.gateway_up, self.on_the_shelf = True, True
        self.orders = []
        self.errors = {"ord_1": ("inventory", "UnknownSkuError")}
        self.errors["ord_2"] = ("payment", "GatewayUnavailableError")
        letters = DeadLetters(self.queues, self.consumers, CONSUMERS)
        monkeypatch.setattr(dead_letters, "of", lambda _: letters)
        monkeypatch.setattr(demo_recovery, "gateway_switch", SimpleNamespace(switch=self.switch))
        monkeypatch.setattr(
            demo_recovery,
            "api_client",
            SimpleNamespace(
                order_request=lambda lines, token: {},
                place_order=self.place,
                set_stock=self.put_back,
                take_off_the_shelf=self.take_off,
                SHELVES={demo_recovery.SKU: 100},
            ),
        )
        monkeypatch.setattr(
            demo_recovery,
            "journey",
            SimpleNamespace(
                status=lambda *_: "PAID",
                hops=lambda _, order_id: [hop(order_id, "failed")],
                follow=self.follow,
                rows=lambda *_: {"orders": {"status": "SHIPMENT_PREPARED"}},
                POLL_SECONDS=0,
                Hop=Hop,
                Looks=Looks,
            ),
        )

    def switch(self, _stack, *, up):
        self.gateway_up = up

    def take_off(self, _stack, _sku):
        self.on_the_shelf = False

    def put_back(self, _stack, stock):
        assert stock == {demo_recovery.SKU: 100}
        self.on_the_shelf = True

    def place(self, _stack, _request):
        order_id = f"ord_{len(self.orders) + 1}"
        self.orders.append((order_id, self.gateway_up, self.on_the_shelf))
        consumer, error = self.errors[order_id]
        self.queues.put(letter(f"of {order_id}", consumer, order_id=order_id, error=error))
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


def test_two_orders_fail_are_listed_and_come_back(world):
    endings, told = run()
    assert world.orders == [("ord_1", True, False), ("ord_2", False, False)]
    assert [ending.order_id for ending in endings] == ["ord_1", "ord_2"]
    parts = [
        "5. ",
        "6. ",
        "UnknownSkuError",
        "GatewayUnavailableError",
        "make stock",
        "✓",
        "goes on",
    ]
    places = [told.index(part) for part in parts]
    assert places == sorted(places)
    assert world.queues.letters == {}
    assert (world.gateway_up, world.on_the_shelf) == (True, True)
    assert max(map(len, told.splitlines())) <= 80


def test_what_was_told_before_is_not_told_again(world):
    """A failure is told while it happens, be it seen by the last look only."""
    _, told = run()
    assert "failed of ord_1" in told[: told.index("goes on")]
    onwards = told[told.index("goes on") :]
    assert "consumed of ord_1" in onwards
    assert "failed of ord_1" not in onwards


def test_letters_of_before_are_none_of_the_demos(world):
    world.queues.put(STRANGER)
    _, told = run()
    assert list(world.queues.letters) == ["stranger"]
    assert "ord_before" not in told


def test_another_error_than_expected_ends_the_demo(world):
    world.errors["ord_1"] = ("inventory", "InventoryBusyError")
    with pytest.raises(WorkshopError, match="hold ord_1: inventory InventoryBusyError"):
        run()
    assert (world.gateway_up, world.on_the_shelf) == (True, True)


def test_a_redrive_that_fails_ends_the_demo(world):
    world.consumers.answers["payment"] = Refusal("GatewayUnavailableError", "still down")
    with pytest.raises(WorkshopError, match=r"ord_2: failed_again.*and not.*ord_2: redriven"):
        run()


def test_a_letter_that_is_left_ends_the_demo(world, monkeypatch):
    def again(consumer, event):
        if consumer == "payment":
            late = letter("again", "payment", order_id="ord_2", seconds=-3600)
            world.queues.put(late)

    monkeypatch.setattr(world.consumers, "invoke", again)
    with pytest.raises(WorkshopError, match="A dead letter is still there"):
        run()


def test_an_order_that_never_gets_into_a_queue_ends_the_demo(world, monkeypatch):
    monkeypatch.setattr(demo_recovery, "FOLLOW_SECONDS", -1.0)
    monkeypatch.setattr(world.queues, "put", lambda *_: None)
    with pytest.raises(WorkshopError, match="Order ord_1 is in no dead-letter queue"):
        run()


@pytest.mark.parametrize("ends", [KeyboardInterrupt, WorkshopError])
def test_the_gateway_and_the_shelf_are_mended_however_it_ends(world, monkeypatch, capsys, ends):
    def stop(*_):
        assert (world.gateway_up, world.on_the_shelf) == (False, False)
        raise ends("now")

    monkeypatch.setattr(dead_letters, "look", stop)
    with pytest.raises(ends):
        run()
    assert (world.gateway_up, world.on_the_shelf) == (True, True)
    assert "make redrive" in capsys.readouterr().err


def test_the_gateway_is_mended_even_when_the_shelf_cannot_be_filled(world, monkeypatch, capsys):
    def refuse(*_):
        raise WorkshopError("no")

    monkeypatch.setattr(demo_recovery.api_client, "set_stock", refuse)
    with pytest.raises(WorkshopError):
        run()
    assert world.gateway_up
    assert "the shelf is full" not in capsys.readouterr().err
