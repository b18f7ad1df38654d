"""Tests of placing orders on the board."""

import asyncio
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.board.fakes import Client, FakeSource, fake_stack, until
from workshop.board.views import place_order as view
from workshop.orders import api_client
from workshop.orders.signed_http import Response


@pytest.fixture
def api(monkeypatch):
    """The API's responses: those in the list first, then a new order each; and the requests."""
    lock, requests, responses = threading.Lock(), [], []

    def call(stack, method, path, *, body, headers):
        with lock:
            requests.append((json.loads(body), headers["idempotency-key"]))
            if responses:
                return responses.pop(0)
            return Response(201, {}, {"order_id": f"ord_{len(requests)}"})

    monkeypatch.setattr(api_client, "call_api", call)
    return requests, responses


@pytest.fixture
def client():
    with Client(FakeSource()) as made:
        yield made


FORM = {"quantity-MOUSE": "2", "payment": "tok_slow", "customer": "c-1", "currency": "USD"}


def test_order_is_sent_as_the_form_says_and_its_page_is_opened(client, api):
    requests, _ = api
    done = client.post("/place-order", **FORM, key=" mine ")
    assert done.headers["hx-redirect"] == "/orders/ord_1"
    ((request, key),) = requests
    assert key == "mine"
    assert request["lines"] == [{"sku": "MOUSE", "quantity": 2}]
    assert request["currency"] == "USD"
    assert request["customer_id"] == "c-1"
    assert request["payment_method"] == {"token": "tok_slow"}


def test_form_names_every_token_with_its_effect(client):
    page = client.get("/place-order").text
    assert all(token in page for token in api_client.TOKENS)
    assert all(effect in page for effect in api_client.TOKEN_EFFECTS.values())


def test_every_validation_error_of_the_api_is_shown_at_once(client, api):
    faults = ["lines must contain at least 1 items", "<b> is not a currency"]
    body = {"detail": "; ".join(faults), "faults": faults}
    api[1].append(Response(422, {}, body))
    done = client.post("/place-order", **FORM)
    assert done.status == 422
    assert "<li>lines must contain at least 1 items</li>" in done.text
    assert "<li>&lt;b&gt; is not a currency</li>" in done.text
    assert "hx-redirect" not in done.headers


@pytest.mark.parametrize("quantity", ["-1", "two", "101"])
def test_invalid_quantity_is_left_to_the_api(client, api, quantity):
    client.post("/place-order", **FORM | {"quantity-MOUSE": quantity})
    ((request, _),) = api[0]
    assert str(request["lines"][0]["quantity"]) == quantity


def test_failure_of_the_service_shows_the_key_for_a_retry(client, api):
    api[1].append(Response(502, {}, {}))
    done = client.post("/place-order", **FORM)
    assert api[0][0][1] in done.text


def test_race_counts_orders_and_shows_the_first_reason_of_a_refusal(client, api):
    api[1].extend(Response(422, {}, {"detail": "no <stock>"}) for _ in range(2))
    client.post("/place-order/race", **FORM)
    page = until(lambda: over(client))
    assert "48 placed, 2 refused" in page
    assert "no &lt;stock&gt;" in page
    assert len({key for _, key in api[0]}) == 50


def test_race_with_one_key_makes_one_order(client, api):
    api[1].extend(Response(200, {}, {"order_id": "ord_1"}) for _ in range(50))
    client.post("/place-order/race", **FORM, key="mine")
    page = until(lambda: over(client))
    assert "All with the same key: 1 order." in page
    assert {key for _, key in api[0]} == {"mine"}


def test_second_race_does_not_begin_before_the_first_is_over(client, monkeypatch):
    begun, gate = [], threading.Event()

    def place_orders(*_, **__):
        begun.append(1)
        assert gate.wait(30)
        yield from ()

    monkeypatch.setattr(api_client, "place_orders", place_orders)
    client.post("/place-order/race", **FORM)
    until(lambda: begun)
    client.post("/place-order/race", **FORM)
    gate.set()
    until(lambda: over(client))
    assert begun == [1]


def test_stock_is_streamed_whole_and_then_when_it_changes(monkeypatch):
    """A page that was hidden for a while connects again."""
    stock = {"MOUSE": 3, "MONITOR": 1}
    monkeypatch.setattr(api_client, "read_stock", lambda *_: dict(stock))
    base = fake_stack()
    outputs = replace(base.outputs, table_names={"inventory": "orderflow-inventory"})
    with Client(FakeSource(replace(base, outputs=outputs))) as client:
        assert 'id="stock-MOUSE">3<' in client.part("/place-order")
        messages = client.messages("/place-order/live")
        first = next(messages)["data"]
        assert 'id="stock-MOUSE">3<' in first
        assert 'id="stock-WEBCAM">–<' in first
        stock["MONITOR"] = 0
        second = next(each["data"] for each in messages if "stock-" in each.get("data", ""))
        assert 'id="stock-MONITOR">0<' in second
        assert "stock-MOUSE" not in second


def test_usual_item_has_stock_and_the_dash_is_explained(monkeypatch):
    first, second, *_ = api_client.catalogue()
    monkeypatch.setattr(api_client, "read_stock", lambda *_: {second: 1})
    base = fake_stack()
    outputs = replace(base.outputs, table_names={"inventory": "orderflow-inventory"})
    with Client(FakeSource(replace(base, outputs=outputs))) as client:
        page = client.part("/place-order")
    assert re.search(rf'name="quantity-{first}"[^>]*value="0"', page)
    assert re.search(rf'name="quantity-{second}"[^>]*value="1"', page)
    assert "–: no stock item." in page
    with Client(FakeSource()) as client:
        page = client.part("/place-order")
    assert re.search(rf'name="quantity-{first}"[^>]*value="1"', page)


def test_read_only_board_places_no_order(api):
    source = FakeSource()
    source.may_act = False
    with Client(source) as client:
        assert "hx-post" not in client.part("/place-order")
        assert client.post("/place-order", **FORM).status == 403
        assert client.post("/place-order/race", **FORM).status == 403
    assert api[0] == []


def over(client):
    page = client.get("/place-order/race").text
    return page if "refused." in page else None


def test_two_clicks_at_once_begin_one_race(client, api, monkeypatch):
    requests, _ = api
    arrived, real = threading.Barrier(2), view.form

    async def slow(request):
        given = await real(request)
        await asyncio.to_thread(arrived.wait, 10)
        return given

    monkeypatch.setattr(view, "form", slow)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: client.post("/place-order/race", **FORM), range(2)))
    until(lambda: "placed, " in client.get("/place-order/race").text)
    assert len(requests) == view.RACE
