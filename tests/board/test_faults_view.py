"""Tests of injecting faults on the board, and of the banner that every page shows."""

import asyncio
import threading

import pytest
from starlette.requests import Request

from local_cloud.delivery.fault_injection import Duplicate, Hold, Kill, Plan, Share
from tests.board.fakes import Client, FakeSource, bus_event, fake_stack, until
from workshop.board import fault_watch
from workshop.board.fault_watch import FaultWatch
from workshop.board.feed import Feed
from workshop.board.page import Board
from workshop.deployment.local import injected_faults
from workshop.deployment.release import gateway_switch
from workshop.errors import WorkshopError


class FakeCloud:
    """A local cloud's plan, and the payment gateway."""

    def __init__(self):
        self.plan = None
        self.up = True
        self.reads = 0
        self.gate = threading.Event()
        self.gate.set()

    def faults(self):
        self.reads += 1
        return self.plan

    def set_faults(self, plan):
        self.plan = plan

    def clear_faults(self):
        self.plan = None

    def switch(self, _, *, up):
        assert self.gate.wait(30)
        self.up = up


@pytest.fixture
def cloud(monkeypatch):
    made = FakeCloud()
    monkeypatch.setattr(injected_faults, "switch", lambda _: made)
    monkeypatch.setattr(gateway_switch, "state", lambda _: {"payment": made.up})
    monkeypatch.setattr(gateway_switch, "switch", made.switch)
    return made


@pytest.fixture
def client(cloud):
    with Client(FakeSource()) as made:
        yield made


NOTHING = dict.fromkeys(("duplicate", "delay", "reorder", "drop", "refuse", "seed"), "0")
FORM = NOTHING | {"copies": "2", "seconds": "1", "moment": "0.5"}


def test_every_field_of_the_form_is_in_the_plan(client, cloud):
    form = {"duplicate": "10", "copies": "3", "delay": "20", "seconds": "4", "reorder": "30"}
    form |= {"moment": "0.7", "drop": "40", "refuse": "60", "seed": "5"}
    scope = {"function-shipping": "on", "type-InventoryUpdated": "on"}
    assert client.post("/faults", **form, **scope).status == 200
    assert cloud.plan == Plan(
        seed=5,
        functions=("orderflow-shipping",),
        detail_types=("InventoryUpdated",),
        duplicate=Duplicate(0.1, copies=3),
        delay=Hold(0.2, seconds=4),
        reorder=Hold(0.3, seconds=0.7),
        drop=Share(0.4),
        refuse=Share(0.6),
    )


def test_form_shows_the_plan_that_is_injected(client, cloud):
    cloud.plan = Plan(seed=7, functions=("orderflow-payment",), delay=Hold(0.35, seconds=12))
    page = client.part("/faults")
    assert 'name="delay" min="0" max="100" step="any" value="35"' in page
    assert 'name="seconds" min="0" max="3600.0" step="any" value="12"' in page
    assert 'name="function-payment" checked' in page
    assert 'name="seed" step="1" value="7"' in page


def test_kill_keeps_the_shares_and_shares_keep_the_kill(client, cloud):
    client.post("/faults", **FORM | {"drop": "30"})
    client.post("/faults/kill", kill="payment", times="2")
    kill = Kill("orderflow-payment", times=2)
    assert cloud.plan == Plan(drop=Share(0.3), kill_before_publish=kill)
    client.post("/faults", **FORM | {"refuse": "50"})
    assert cloud.plan == Plan(refuse=Share(0.5), kill_before_publish=kill)


def test_shares_of_zero_remove_the_plan(client, cloud):
    cloud.plan = Plan(drop=Share(1))
    assert client.post("/faults", **FORM).status == 200
    assert cloud.plan is None


@pytest.mark.parametrize(
    ("path", "form", "sentence"),
    [
        ("/faults", FORM | {"drop": "300"}, "drop must be a number from 0 to 100"),
        ("/faults", FORM | {"drop": "nan"}, "drop must be a number from 0 to 100"),
        ("/faults", FORM | {"drop": "<i>"}, "&#39;&lt;i&gt;&#39; is not."),
        ("/faults", FORM | {"drop": "1", "seed": "x"}, "seed must be a whole number"),
        ("/faults", FORM | {"duplicate": "1", "copies": "99"}, "copies is 99, not between 1 and"),
        ("/faults", FORM | {"delay": "1", "seconds": "9999"}, "seconds is 9999"),
        ("/faults/kill", {"kill": "nobody", "times": "1"}, "There is no function nobody"),
        ("/faults/kill", {"kill": "payment", "times": "0"}, "can be killed 1 to 1000 times"),
    ],
)
def test_invalid_field_changes_nothing_and_is_explained(client, cloud, path, form, sentence):
    done = client.post(path, **form)
    assert done.status == 422
    assert sentence in done.text
    assert cloud.plan is None


def test_gateway_is_switched_and_every_page_shows_it(client, cloud):
    assert client.post("/faults/gateway", position="down").status == 200
    assert cloud.up is False
    assert "the payment gateway is down" in client.get("/").text
    client.post("/faults/gateway", position="up")
    assert "the payment gateway is down" not in client.get("/").text


def test_one_click_removes_the_plan_and_switches_the_gateway_on(client, cloud):
    cloud.plan, cloud.up = Plan(drop=Share(1)), False
    assert client.post("/faults/clear").status == 200
    assert (cloud.plan, cloud.up) == (None, True)


def test_switch_in_progress_is_shown_and_refuses_other_changes(client, cloud):
    cloud.gate.clear()
    thread = threading.Thread(
        target=client.post, args=("/faults/gateway",), kwargs={"position": "down"}
    )
    thread.start()
    page = until(lambda: text if "gateway off …" in (text := client.get("/").text) else None)
    assert 'hx-post="/faults/clear"' not in page
    done = client.post("/faults/clear")
    cloud.gate.set()
    thread.join(30)
    assert done.status == 422
    assert "Wait until that is done." in done.text
    assert "gateway off …" not in client.get("/").text


def test_failed_switch_is_explained_and_ends_the_progress(client, cloud, monkeypatch):
    def fail(*_, **__):
        raise WorkshopError("The update was not live in time.")

    monkeypatch.setattr(gateway_switch, "switch", fail)
    done = client.post("/faults/gateway", position="down")
    assert done.status == 422
    assert "not live in time" in done.text
    assert "gateway off …" not in client.get("/").text


@pytest.mark.parametrize("path", ["/banners/live", "/events/live", "/faults/live"])
def test_fault_of_a_terminal_appears_and_disappears_on_open_pages(client, cloud, path):
    messages = client.messages(path)
    assert "Faults are injected" not in next(messages)["data"]
    cloud.plan = Plan(drop=Share(0.5))
    assert "Faults are injected: 50% drop" in following(messages, "banners")
    cloud.plan = None
    assert "Faults are injected" not in following(messages, "banners")


@pytest.mark.parametrize("watchers", [0, 1])
def test_faults_are_read_only_while_a_page_is_open(cloud, monkeypatch, watchers):
    source, rounds = FakeSource(), []

    async def sleep(_):
        rounds.append(1)
        if len(rounds) == 3:
            raise asyncio.CancelledError

    watch = FaultWatch(source, Feed(source))
    watch.watchers = watchers
    monkeypatch.setattr(fault_watch.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watch.run())
    assert cloud.reads == 3 * watchers


def test_open_streams_are_counted_until_they_end(cloud):
    source = FakeSource()
    board = Board(source, Feed(source), "token")

    async def count():
        async def nothing(_):
            return ""

        request = Request({"type": "http", "headers": [], "query_string": b""})
        stream = board.live(request, nothing).body_iterator
        await anext(stream)
        during = board.faults.watchers
        await stream.aclose()
        return during, board.faults.watchers

    assert asyncio.run(count()) == (1, 0)


def test_banners_are_sent_only_when_they_change(cloud):
    """A button that is replaced while it is used loses its focus and its request."""
    source = FakeSource()
    with Client(source) as client:
        client.shows("No event yet")
        messages = client.messages("/events/live")
        assert 'id="banners"' in next(messages)["data"]
        source.add(bus_event())
        assert 'id="banners"' not in following(messages, "event-event-1")
        messages.close()


def test_stage_without_a_gateway_says_which_stage_brings_it(cloud):
    with Client(FakeSource(fake_stack(1))) as client:
        assert "comes with stage 2" in client.part("/faults")


def test_read_only_board_changes_no_fault(cloud):
    source = FakeSource()
    source.may_act = False
    cloud.plan = Plan(drop=Share(1))
    with Client(source) as client:
        assert "hx-post" not in client.get("/faults").text
        for path in ("/faults", "/faults/kill", "/faults/gateway", "/faults/clear"):
            assert client.post(path, **FORM).status == 403
    assert cloud.plan is not None


def following(messages, text):
    """Return the data of the next message with a text."""
    return next(each["data"] for each in messages if text in each.get("data", ""))
