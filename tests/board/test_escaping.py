"""Whatever an event contains is shown as text."""

import re
from urllib.parse import quote

import pytest

from local_cloud.delivery.delivery_log import Origin, Outcome
from tests.board.fakes import Client, FakeSource, bus_event, delivery
from tests.fixtures.events import example

ATTACK = "<img src=x onerror=alert(1)>"
QUOTES = "\"'><script>alert(1)</script>"


@pytest.fixture(scope="module")
def board():
    event = example("OrderCreated")
    event.order["ship_to"]["recipient"] = ATTACK
    event.detail["metadata"]["event_id"] = f"{ATTACK}/{QUOTES}"
    event.detail["metadata"]["correlation_id"] = QUOTES
    logged = bus_event(event, ATTACK, producer=QUOTES, **{"detail-type": ATTACK})
    source = FakeSource()
    source.add(
        logged,
        delivery(QUOTES, Outcome.FAILED, logged, reason=ATTACK, attempt=2),
        delivery("payment", Outcome.KILLED, logged, origin=Origin(identity=ATTACK)),
    )
    source.missing = (QUOTES,)
    with Client(source) as client:
        client.shows("event-event-1")
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/events/event-1",
        "/events/event-1?personal=1",
        f"/?order={quote(QUOTES)}&text={quote(ATTACK)}",
        f"/events/{quote(ATTACK, safe='')}",
        f"/orders/{quote(QUOTES, safe='')}",
        f"/why?event={quote(QUOTES)}",
        f"/send?from={quote(ATTACK)}",
        "/send?from=event-1",
        "/flow",
        "/dead-letters",
        "/place-order",
        "/faults",
        "/lesson",
    ],
)
def test_no_page_contains_markup_of_an_event(board, path):
    for html in (board.get(path).text, board.get(path, hx_request="true").text):
        assert "<img" not in html
        assert "<script>" not in html
        assert not re.search(r"""["']><script""", html)


def test_recipient_is_shown_as_text(board):
    page = board.get("/events/event-1?personal=1").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_stream_contains_no_markup_of_an_event(board):
    message = next(each for each in board.messages("/events/live?generation=1") if "data" in each)
    assert "event-event-1" in message["data"]
    assert "<img" not in message["data"]
    assert "<script>" not in message["data"]
