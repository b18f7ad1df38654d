"""Tests of the board with input that no form of it sends, and events that no function publishes."""

import asyncio
import json

import pytest

from local_cloud.delivery.change_log import BusEvent
from tests.board.fakes import TOKEN, Client, FakeSource, bus_event
from workshop.board import page

LONG_NUMBER = "9" * 5000
"""Python refuses to read so many digits."""
SURROGATE = "\ud800"
"""JSON may contain half a character; UTF-8 cannot."""
DEEP = 900


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def client(source):
    with Client(source) as made:
        yield made


def logged(**envelope):
    """Return an event that breaks its contract."""
    return BusEvent(json.dumps({**bus_event().content, "id": "odd", **envelope}), "bus")


@pytest.mark.parametrize("text", [LONG_NUMBER, "1" + "0" * 30, "-1", "9e99", "٣", "\x00", ""])
def test_text_that_is_no_revision_means_the_start(text):
    assert page.revision(text) == 0


def test_usual_revision_is_read():
    assert page.revision("20123") == 20123


@pytest.mark.parametrize("path", ["/events/live?after=", "/dead-letters/live?version="])
def test_stream_starts_with_an_absurd_revision(client, path):
    assert "banners" in next(client.messages(f"{path}{LONG_NUMBER}"))["data"]


def test_lone_surrogate_of_an_event_is_shown_as_in_json(source, client):
    metadata = {"event_id": f"{SURROGATE}/x", "correlation_id": SURROGATE}
    detail = {"metadata": metadata, "name": SURROGATE}
    source.add(logged(detail=detail, **{"detail-type": SURROGATE}))
    client.shows("event-odd")
    assert "\\ud800" in client.get("/events/odd").text
    assert "event-odd" in next(client.messages("/events/live?generation=1"))["data"]
    # The editor contains the same JSON, so that the same event is sent.
    assert "name&#34;: &#34;\\ud800&#34;" in client.get("/send?from=odd&personal=1").text


@pytest.mark.parametrize("path", ["/events/odd", "/send?from=odd"])
def test_event_that_is_too_deep_is_reported_in_a_sentence(source, client, path):
    detail = json.loads('{"a":' * DEEP + "1" + "}" * DEEP)
    source.add(logged(detail=detail))
    client.shows("event-odd")
    found = client.get(path)
    assert (found.status, "so deep" in found.text) == (422, True)


@pytest.mark.parametrize(
    ("path", "field", "text"),
    [
        ("/send", "event", LONG_NUMBER),
        ("/send", "event", '{"source":"s","detail-type":"t","detail":' + '{"a":' * DEEP),
        ("/why", "json", "[" * 100_000),
        ("/why", "json", LONG_NUMBER),
    ],
)
def test_absurd_json_is_refused_with_a_sentence(client, path, field, text):
    if text.endswith('{"a":'):
        text += "1" + "}" * (DEEP + 1)
    found = client.post(path, None, **{field: text})
    assert found.status == 422
    assert "JSON" in found.text


def test_schema_version_with_a_fraction_is_a_validation_error(client):
    event = {"source": "orderflow.order", "detail-type": "OrderCreated"}
    detail = {"metadata": {"schema_version": 1.0}}
    found = client.post("/send/check", event=json.dumps({**event, "detail": detail}))
    assert found.status == 200
    assert "Invalid" in found.text


@pytest.mark.parametrize("key", ["a\r\nX-Other: 1", "ключ", "\x00"])
def test_key_that_no_header_can_have_is_refused(client, key):
    found = client.post("/place-order", key=key, **{"quantity-MOUSE": "1"})
    assert found.status == 422
    assert "Idempotency-Key must be printable ASCII" in found.text


def test_browser_that_leaves_before_its_form_has_arrived_is_no_error(source):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    with Client(source) as client:
        headers = {"x-board-token": TOKEN, "content-length": "10"}
        scope = client._scope("POST", "/send/check", headers)
        asyncio.run_coroutine_threadsafe(client._app(scope, receive, send), client._loop).result()
    assert sent[0]["status"] == 400


def test_event_deeper_than_this_python_reads_does_not_end_the_feed(source, client):
    envelope = json.dumps({"id": "odd", "detail-type": 'a ,"detail":{'}, separators=(",", ":"))
    detail = '{"a":' * 100_000 + "1" + "}" * 100_000
    source.add(BusEvent(f'{envelope[:-1]},"detail":{detail}}}', "bus"), bus_event(event_id="next"))
    client.shows("event-next")
    page = client.shows("event-odd")
    assert "a ,&#34;detail&#34;:{" in page
    assert "too deep" in client.get("/why?event=odd").text
    for path in ("/events/odd", "/send?from=odd&personal=1", "/lesson"):
        assert client.get(path).status == 200
