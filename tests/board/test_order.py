"""The page of an order: its status, rows, changes, waterfall and events."""

import html
import json
import re
from datetime import UTC, datetime

import pytest

from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import Client, FakeSource, bus_event, delivery
from tests.board.test_flow import stack_of
from tests.fixtures.events import example
from workshop.board import order_reading
from workshop.board.order_reading import CHANGES, WATCHED, OrderNow
from workshop.errors import WorkshopError
from workshop.journeys import logs, svg
from workshop.journeys.hops import Hop

ORDER = "ord_1"
SECRET = "Ada Example"
CREATED = {"order_id": ORDER, "status": "CREATED", "ship_to": {"recipient": SECRET}}
PAID = CREATED | {"status": "PAID"}
PAYMENT = {"order_id": ORDER, "status": "SUCCEEDED", "attempts": 1}


@pytest.fixture
def order(monkeypatch):
    """Replace the reads of an order: the test sets what they return, one after the other."""
    found = [OrderNow({"orders": CREATED})]

    def read(stack, order_id, before):
        return found.pop(0) if len(found) > 1 else found[0]

    monkeypatch.setattr(order_reading, "read", read)
    monkeypatch.setattr(order_reading, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(order_reading, "SETTLED_SECONDS", 0)
    return found


@pytest.fixture
def client(order):
    with Client(FakeSource(stack_of(4))) as found:
        yield found


def test_the_page_shows_the_status_and_every_table_of_the_stack(client):
    page = client.part(f"/orders/{ORDER}")
    assert "CREATED" in page
    tables = re.findall(r'id="order-table-(\w+)"', page)
    assert tables == ["orders", "payments", "inventory", "shipments"]
    assert page.count("No item of this order.") == 3


def test_the_page_says_whether_an_order_is_stalled(client, order):
    order[:] = [
        OrderNow({"orders": PAID}, advice=("It is stalled at <PAID>.", "Do this.\nThen that."))
    ]
    page = client.part(f"/orders/{ORDER}")
    assert "The order is stalled." in page
    assert "It is stalled at &lt;PAID&gt;." in page
    assert "<p>Then that.</p>" in page
    order[:] = [OrderNow({"orders": PAID}, settled=True)]
    assert "The order is settled." in client.part(f"/orders/{ORDER}")


def test_each_advised_command_has_its_place_on_the_board(order):
    source = FakeSource(stack_of(5))
    event = bus_event("OrderCreated", "payment", order_id=ORDER)
    source.add(event, delivery("payment", Outcome.DROPPED, event))
    order[:] = [
        OrderNow(
            {"orders": PAID},
            advice=(
                "It is stalled.",
                "Its log: make logs ARGS=payment",
                "Set its stock: WORKSHOP_CLOUD=x make stock ARGS=MOUSE=10",
                "It is in a queue: make dlq\nRedrive it: make redrive",
                "Re-publish its OrderCreated: make reconcile",
            ),
        )
    ]
    with Client(source) as client:
        client.shows("event-event-1")
        page = client.part(f"/orders/{ORDER}")
    links = re.findall(r'<p>([^<]*) <a class="here" href="([^"]*)">', page)
    assert [(words.partition(":")[0], html.unescape(link)) for words, link in links] == [
        ("Its log", "/events/event-1"),
        ("Set its stock", "/place-order"),
        ("It is in a queue", f"/dead-letters?order={ORDER}"),
        ("Redrive it", f"/dead-letters?order={ORDER}"),
        ("Re-publish its OrderCreated", "/send?from=event-1&target=payment"),
    ]


@pytest.mark.parametrize(
    ("token", "reason", "named"),
    [
        ("tok_unavailable", "GatewayUnavailableError", True),
        ("tok_approved", "GatewayUnavailableError", False),
        ("tok_unavailable", "Boom", False),
    ],
)
def test_cause_that_no_redrive_removes_is_named(order, token, reason, named):
    source = FakeSource(stack_of(5))
    created = example("OrderCreated", order_id=ORDER)
    created.part("payment_method")["token"] = token
    event = bus_event(created, "payment")
    source.add(
        event,
        delivery("payment", Outcome.FAILED, event, reason=reason),
        delivery("payment", Outcome.DEAD_LETTERED, event),
    )
    order[:] = [OrderNow({"orders": PAID}, advice=("Redrive it: make redrive",))]
    with Client(source) as client:
        client.shows("event-event-1")
        page = client.part(f"/orders/{ORDER}")
    assert ("A redrive cannot help." in page) is named


def test_advice_without_a_stored_event_has_no_link_to_it(client, order):
    order[:] = [OrderNow({"orders": PAID}, advice=("make reconcile", "make logs", "make up"))]
    assert 'class="here"' not in client.part(f"/orders/{ORDER}")


@pytest.mark.parametrize("order_id", ["<script>", "-x", "a" * 65, "ord 1"])
def test_an_id_that_no_order_can_have_is_refused_in_a_sentence(client, order_id):
    for path in (f"/orders/{order_id}", f"/orders/{order_id}/live?generation=1"):
        response = client.get(path.replace(" ", "%20"))
        assert response.status == 404
        assert "An order&#39;s id has" in response.text
        assert "<script>" not in response.text


def test_an_unknown_order_is_named_in_a_sentence(client, order):
    order[:] = [OrderNow()]
    response = client.get("/orders/ord_unknown")
    assert response.status == 404
    assert "There is no order ord_unknown." in response.text


def test_an_order_without_a_row_still_shows_its_events(order):
    order[:] = [OrderNow()]
    source = FakeSource(stack_of(4))
    event = bus_event("OrderCreated", "payment", order_id=ORDER)
    source.add(event, delivery("payment", Outcome.FAILED, event))
    with Client(source) as client:
        client.shows("event-1")
        page = client.part(f"/orders/{ORDER}")
    assert 'id="event-event-1"' in page
    assert "The Orders table has no such order." in page


def test_events_of_other_orders_are_not_shown(order):
    source = FakeSource(stack_of(4))
    source.add(
        bus_event("OrderCreated", order_id="ord_2", event_id="other"),
        bus_event("OrderCreated", order_id=ORDER, event_id="own"),
    )
    with Client(source) as client:
        client.shows("event-own")
        page = client.part(f"/orders/{ORDER}")
    assert "event-own" in page
    assert "event-other" not in page


def test_personal_data_is_hidden_until_it_is_asked_for(client, order):
    event = json.dumps({"data": {"order": {"ship_to": {"recipient": SECRET}}}})
    order[:] = [OrderNow({"orders": CREATED | {"created_event": event}})]
    assert SECRET not in client.part(f"/orders/{ORDER}")
    shown = client.part(f"/orders/{ORDER}?personal=1")
    assert shown.count(SECRET) == 2
    assert re.search(r'/live\?[^"]*personal=1', shown)


def test_whatever_an_item_contains_is_shown_as_text(client, order):
    attack = "<img src=x onerror=alert(1)>"
    order[:] = [
        OrderNow({"orders": CREATED}),
        OrderNow({"orders": {attack: attack, "status": attack, "lines": [{attack: attack}]}}),
    ]
    for _ in range(2):
        page = client.part(f"/orders/{ORDER}?personal=1")
    assert attack not in page
    assert "&lt;img src=x" in page


def test_json_in_an_item_keeps_its_lines_in_the_stream(client, order):
    """A message of a stream is one line."""
    order[:] = [OrderNow({"orders": CREATED | {"created_event": '{"a": "<b>"}'}})]
    stream = client.messages(f"/orders/{ORDER}/live?after=0&generation=1")
    data = next(each["data"] for each in stream if "created_event" in each.get("data", ""))
    stream.close()
    shown = re.search(r'aria-label="created_event">(.*?)</pre>', data)[1]
    assert html.unescape(shown) == '{\n  "a": "<b>"\n}'


def test_a_change_is_listed_and_highlighted(client, order):
    order[:] = [OrderNow({"orders": CREATED}), OrderNow({"orders": PAID, "payments": PAYMENT})]
    client.part(f"/orders/{ORDER}")
    page = client.part(f"/orders/{ORDER}")
    assert _changes(page) == [
        "payments: status – → SUCCEEDED, attempts – → 1",
        "orders: status CREATED → PAID",
    ]
    assert page.count('class="changed"') == 1
    assert "was CREATED" in page


def test_a_change_has_the_time_at_which_it_happened(client, order):
    order[:] = [OrderNow({"orders": CREATED}), OrderNow({"orders": PAID, "payments": PAYMENT})]
    payment = PAYMENT | {"created_at": "2026-01-15T09:59:59.000Z", "settled_at": "soon"}
    payment["updated_at"] = "2026-01-15T10:00:00.125Z"
    paid = PAID | {"updated_at": "2026-01-15T10:00:00.250Z", "placed_at": "2026-01-15"}
    order[1] = OrderNow({"orders": paid, "payments": payment})
    client.part(f"/orders/{ORDER}")
    page = client.part(f"/orders/{ORDER}")
    found = re.search('<ol class="changes".*?</ol>', page, re.DOTALL)[0]
    assert re.findall(r"<time[^>]*>([^<]*)", found) == ["10:00:00.250", "10:00:00.125"]


def test_the_first_read_of_an_order_is_no_change(client):
    page = client.part(f"/orders/{ORDER}")
    assert _changes(page) == []
    assert 'class="changed"' not in page


def test_changes_hide_personal_data_too(client, order):
    moved = CREATED | {"ship_to": {"recipient": "Grace"}}
    order[:] = [OrderNow({"orders": CREATED}), OrderNow({"orders": moved})]
    client.part(f"/orders/{ORDER}")
    page = client.part(f"/orders/{ORDER}")
    assert SECRET not in page
    assert "was hidden" in page


def test_only_the_newest_changes_are_remembered(client, order):
    order[:] = [OrderNow({"orders": CREATED | {"status": str(n)}}) for n in range(CHANGES + 20)]
    for _ in range(CHANGES + 20):
        page = client.part(f"/orders/{ORDER}")
    assert len(_changes(page)) == CHANGES


def test_changes_of_the_orders_watched_last_are_remembered(client, order):
    order[:] = [OrderNow({"orders": CREATED}), OrderNow({"orders": PAID})]
    for _ in range(2):
        client.part(f"/orders/{ORDER}")
    for number in range(WATCHED):
        client.part(f"/orders/ord_other_{number}")
    assert _changes(client.part(f"/orders/{ORDER}")) == []


def test_the_stream_sends_only_the_parts_that_changed(client, order):
    order[:] = [OrderNow({"orders": CREATED})]
    stream = client.messages(f"/orders/{ORDER}/live?after=0&generation=1")
    next(each for each in stream if "order-table-orders" in each.get("data", ""))
    order[:] = [OrderNow({"orders": CREATED, "payments": PAYMENT})]
    data = next(each["data"] for each in stream if "SUCCEEDED" in each.get("data", ""))
    stream.close()
    assert 'id="order-table-payments"' in data
    assert 'id="order-changes"' in data
    assert 'id="order-table-orders"' not in data
    assert 'id="order-waterfall"' not in data


def test_the_stream_does_not_repeat_what_the_page_shows(client, order, monkeypatch):
    monkeypatch.setattr(order_reading, "SETTLED_SECONDS", 100)
    page = client.part(f"/orders/{ORDER}")
    address = html.unescape(re.search(r'data-live="([^"]*)"', page)[1])
    message = next(client.messages(f"{address}&after=0&generation=1"))
    assert 'id="order-' not in message["data"]


def test_a_failed_read_is_shown_with_the_last_rows(client, order, monkeypatch):
    client.part(f"/orders/{ORDER}")

    def fail(*_):
        raise WorkshopError("AWS did not answer.")

    monkeypatch.setattr(order_reading, "read", fail)
    page = client.part(f"/orders/{ORDER}")
    assert "CREATED" in page
    assert "AWS did not answer." in page


def test_the_style_sheet_of_the_waterfall_is_served(client):
    response = client.get("/waterfall.css")
    assert response.text == svg.CSS
    assert response.headers["content-type"].startswith("text/css")


def test_an_order_is_read_with_its_waterfall_and_without_advice(monkeypatch):
    hop = Hop(datetime(2026, 1, 1, tzinfo=UTC), "order-api", "published", "order-created")
    _fake_stack_reads(monkeypatch, rows={"orders": PAID}, hops=[hop], idle=False)
    now = order_reading.read(stack_of(4), ORDER, None)
    assert now.status == "PAID"
    assert "<svg" in now.waterfall
    assert not now.settled
    assert not now.advice


def test_a_stalled_order_is_advised_once_until_it_changes(monkeypatch):
    asked = []
    _fake_stack_reads(monkeypatch, rows={"orders": PAID}, hops=[], idle=True)
    monkeypatch.setattr(
        order_reading.advice, "of", lambda *_, **__: asked.append(1) or ["Redrive it."]
    )
    first = order_reading.read(stack_of(4), ORDER, None)
    assert first.advice[0].startswith("The order is stalled at PAID")
    assert first.advice[1:] == ("Redrive it.",)
    assert order_reading.read(stack_of(4), ORDER, first).advice == first.advice
    assert len(asked) == 1


def test_a_settled_order_is_not_advised(monkeypatch):
    row = PAID | {"status": "SHIPMENT_PREPARED"}
    _fake_stack_reads(monkeypatch, rows={"orders": row}, hops=[], idle=True)
    now = order_reading.read(stack_of(4), ORDER, None)
    assert now.settled
    assert not now.advice
    assert not now.waterfall


def _fake_stack_reads(monkeypatch, *, rows, hops, idle):
    monkeypatch.setattr(order_reading.following, "idle", lambda _: idle)
    monkeypatch.setattr(order_reading.order_rows, "rows", lambda *_: rows)
    monkeypatch.setattr(logs, "hops", lambda *_: hops)

    class Switch:
        @staticmethod
        def deliveries(_):
            return []

    monkeypatch.setattr(order_reading.delivery_records.injected_faults, "switch", lambda _: Switch)


def _changes(page):
    """Return the listed changes as text, newest first."""
    listed = re.search(r'<ol class="changes".*?</ol>', page, re.DOTALL)
    items = re.findall(r"<li>.*?</time>(.*?)</li>", listed[0], re.DOTALL) if listed else []
    return [" ".join(re.sub(r"<[^>]+>", "", item).split()) for item in items]
