"""The view of the dead letters, over queues in memory."""

import html
import json
import re

import pytest
from recovery.redrive.consumers import Failure

from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import Client, FakeSource, bus_event, delivery, until
from tests.board.test_flow import stack_of
from tests.workshop.fake_queues import CONSUMERS, NOW, ORDER, FakeConsumers, FakeQueues, dead_letter
from workshop.board import dead_letter_list
from workshop.board.dead_letter_cause import cause_of
from workshop.journeys import order_rows
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import DeadLetters

BODY = json.dumps({"requestPayload": {"detail": {"ship_to": {"recipient": "Ada"}, "total": 29}}})
GATEWAY = dead_letter("aaaa1111-0000", body=BODY)
LATER = dead_letter("cccc3333-0000", seconds=60)
SKU = dead_letter("bbbb2222-0000", "inventory", error="UnknownSkuError", reason="no stock item")
UNRECOGNISED = dead_letter(
    "ffff4444-0000",
    body="<img onerror=alert(1)> Ada",
    event=None,
    order_id=None,
    unrecognised="no JSON object that can be read (26 bytes)",
)


class CountedQueues(FakeQueues):
    """Queues that count how often the messages are received."""

    def __init__(self):
        super().__init__()
        self.times_received = 0

    def receive(self):
        self.times_received += 1
        return super().receive()


@pytest.fixture
def queues(monkeypatch):
    made = CountedQueues()
    made.consumers = FakeConsumers()
    monkeypatch.setattr(dead_letters, "missing_queues", lambda *_: [])
    monkeypatch.setattr(
        dead_letters, "of", lambda *_, **__: DeadLetters(made, made.consumers, CONSUMERS)
    )
    monkeypatch.setattr(order_rows, "row_of", lambda *_: None)
    monkeypatch.setattr(dead_letter_list, "EVERY", 0.0)
    return made


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def client(source):
    with Client(source) as made:
        yield made


def rows(page):
    """Return message id → the text of its row."""
    found = re.findall(r'<li id="dead-letter-([^"]+)"(.*?)</li>', page, re.DOTALL)
    return {
        name: " ".join(html.unescape(re.sub("<[^>]*>", " ", row)).split()) for name, row in found
    }


def test_list_shows_reason_tries_age_event_order_and_queue(client, queues):
    queues.put(GATEWAY, LATER)
    found = rows(client.part("/dead-letters"))
    assert list(found) == [LATER.message_id, GATEWAY.message_id], "the newest first"
    for text in (
        "payment GatewayUnavailableError",
        "in its queue",
        "the gateway does not answer",
        "event order-created",
        f"order {ORDER[:12]}…",
        "tries 3",
        "queue failed",
    ):
        assert text in found[GATEWAY.message_id]
    assert re.search(r"age \d+m", found[GATEWAY.message_id])
    assert queues.received == set(), "all are visible to other commands"


def test_list_shows_the_messages_of_one_order(client, queues):
    other = dead_letter("dddd5555-0000", order_id="ord_other")
    queues.put(GATEWAY, other)
    page = client.part("/dead-letters?order=ord_other")
    assert list(rows(page)) == [other.message_id]
    assert 'href="/dead-letters">Show all' in page
    assert "&amp;order=ord_other" in page
    assert "none" in client.part("/dead-letters?order=ord_none")


def with_token(token):
    return {"detail": {"data": {"payment_method": {"token": token}}}}


@pytest.mark.parametrize(
    ("changes", "gateway_up", "words"),
    [
        (
            {"error": "UnknownSkuError", "reason": "no stock item for WEBCAM"},
            None,
            "before you redrive: make stock ARGS=WEBCAM=10",
        ),
        ({"event": with_token("tok_unavailable")}, True, "A redrive cannot help."),
        ({"event": with_token("tok_approved")}, False, "Switch it on before you redrive."),
        ({"event": with_token("tok_approved")}, True, "is up again"),
        ({"event": None}, None, ""),
        ({"error": "Boom"}, True, ""),
    ],
)
def test_known_cause_of_a_dead_letter_is_named(changes, gateway_up, words):
    found = cause_of(dead_letter("id", **changes), cloud="default", gateway_up=gateway_up)
    assert words in found.sentence if words else found is None


def test_redrive_that_cannot_help_is_not_the_main_button(client, source, queues):
    """The way on is beside the cause, if the board has the event."""
    hopeless = dead_letter("id", event={"id": "event-1", **with_token("tok_unavailable")})
    queues.put(hopeless)
    page = client.part("/dead-letters")
    assert "Redrive" in page
    assert 'class="primary"' not in page
    assert "/send?" not in page
    event = bus_event("OrderCreated", "payment", event_id="event-1")
    source.add(event, delivery("payment", Outcome.DEAD_LETTERED, event))
    client.shows("event-event-1")
    assert "/send?from=event-1&amp;target=payment" in client.part("/dead-letters")
    queues.put(SKU)
    assert 'class="primary"' in client.part("/dead-letters")


def test_cause_is_shown_with_a_link(client, queues):
    queues.put(
        dead_letter("id", "inventory", error="UnknownSkuError", reason="no stock item for X")
    )
    page = client.part("/dead-letters")
    assert "make stock ARGS=X=10" in page
    assert '<a href="/place-order">' in page


def test_order_that_has_ended_is_named_before_a_redrive(queues, monkeypatch):
    statuses = {ORDER: "PAID"}
    monkeypatch.setattr(order_rows, "statuses", lambda *_: statuses)
    queues.put(GATEWAY)
    with Client(FakeSource(stack_of(5))) as client:
        assert "The order has ended" not in client.part("/dead-letters")
        statuses[ORDER] = "SHIPMENT_PREPARED"
        text = rows(client.part("/dead-letters"))[GATEWAY.message_id]
    assert "The order has ended: SHIPMENT_PREPARED." in text
    assert queues.times_received == 1, "the status is read without the messages"


def test_payload_hides_personal_data_until_it_is_asked_for(client, queues):
    queues.put(GATEWAY)
    client.part("/dead-letters")
    address = f"/dead-letters/{GATEWAY.message_id}/payload"
    assert "Ada" not in client.part(address)
    assert "29" in client.part(address)
    assert "Ada" in client.part(f"{address}?personal=1")


def test_body_that_is_not_json_is_hidden_and_escaped(client, queues):
    queues.put(UNRECOGNISED)
    page = client.part("/dead-letters")
    assert "Left alone: no JSON object" in page
    assert "/redrive" not in page
    address = f"/dead-letters/{UNRECOGNISED.message_id}/payload"
    assert "Ada" not in client.part(address)
    assert "&lt;img onerror" in client.part(f"{address}?personal=1")


def test_redrive_is_shown_at_its_event(client, source, queues):
    """Also if the function publishes nothing."""
    event = bus_event("OrderCreated", "payment", event_id=GATEWAY.event["id"])
    source.add(event, delivery("payment", Outcome.DEAD_LETTERED, event))
    queues.put(GATEWAY)
    client.shows(f"event-{GATEWAY.event['id']}")
    client.part("/dead-letters")
    assert "with success" not in client.part("/")
    client.post(f"/dead-letters/{GATEWAY.message_id}/redrive")
    assert "then redriven with success" in client.shows("with success")


def test_redrive_invokes_only_the_function_of_one_message(client, queues):
    queues.put(GATEWAY, LATER, SKU)
    client.part("/dead-letters")
    found = client.post(f"/dead-letters/{GATEWAY.message_id}/redrive")
    assert found.status == 200
    assert "redriven" in rows(found.text)[GATEWAY.message_id]
    assert queues.consumers.invoked == [("payment", GATEWAY.event)]
    assert set(queues.dead_letters) == {LATER.message_id, SKU.message_id}


def test_message_that_fails_again_stays_with_its_new_error(client, queues):
    queues.put(SKU)
    queues.consumers.answers["inventory"] = Failure("Boom", "another reason")
    client.part("/dead-letters")
    found = client.post(f"/dead-letters/{SKU.message_id}/redrive")
    text = rows(found.text)[SKU.message_id]
    assert "in its queue; the redrive failed again: Boom: another reason" in text
    assert "tries 3, and 1 redrive " in text
    assert "failed again: Boom" in client.part("/dead-letters"), "also after a reload"
    del queues.consumers.answers["inventory"]
    found = client.post(f"/dead-letters/{SKU.message_id}/redrive")
    assert "tries 3, and 2 redrives " in rows(found.text)[SKU.message_id]


def test_redrive_of_all_alike_leaves_the_others(client, queues):
    queues.put(GATEWAY, LATER, SKU)
    assert "Redrive all 2 like it" in client.part("/dead-letters")
    found = client.post(f"/dead-letters/{GATEWAY.message_id}/redrive-alike")
    assert "2 redriven, 0 failed again" in found.text
    assert "redriven" in rows(found.text)[LATER.message_id]
    assert set(queues.dead_letters) == {SKU.message_id}


def test_discard_says_what_follows_before_it_deletes(client, queues, monkeypatch):
    row = {"status": "CREATED", "placed_at": NOW.isoformat()}
    monkeypatch.setattr(order_rows, "row_of", lambda *_: row)
    monkeypatch.setattr(order_rows, "is_settled", lambda *_: False)
    queues.put(GATEWAY)
    client.part("/dead-letters")
    question = client.part(f"/dead-letters/{GATEWAY.message_id}/discard")
    assert "is still open (CREATED)" in question
    assert queues.dead_letters, "the question deletes nothing"
    found = client.post(f"/dead-letters/{GATEWAY.message_id}/discard")
    assert "deleted" in rows(found.text)[GATEWAY.message_id]
    assert not queues.dead_letters


def test_message_that_another_command_holds_is_not_deleted(client, queues):
    queues.put(GATEWAY)
    client.part("/dead-letters")
    queues.received.add(GATEWAY.message_id)
    found = client.post(f"/dead-letters/{GATEWAY.message_id}/discard")
    assert found.status == 422
    assert "another command has received it" in rows(found.text)[GATEWAY.message_id]
    assert queues.dead_letters


def test_response_to_an_action_replaces_rows_by_their_ids(client, queues):
    """The stream may have replaced the row with the button while the function ran."""
    queues.put(GATEWAY, LATER)
    page = client.part("/dead-letters")
    buttons = re.findall("<button[^>]*hx-post[^>]*>", page)
    assert buttons
    assert all('hx-swap="none"' in each for each in buttons)
    found = client.post(f"/dead-letters/{GATEWAY.message_id}/redrive-alike")
    assert found.text.count('hx-swap-oob="true"') == 2
    lost = client.post("/dead-letters/unknown/redrive")
    assert lost.status == 422
    assert 'id="dead-letter-notes"' in lost.text
    assert 'hx-swap-oob="true"' in lost.text


def test_messages_are_received_again_only_after_a_change(client, queues, source):
    queues.put(GATEWAY)
    for _ in range(3):
        client.part("/dead-letters")
    assert queues.times_received == 1
    queues.put(SKU)
    assert SKU.message_id in client.part("/dead-letters")
    assert queues.times_received == 2
    source.add(delivery("payment", Outcome.DEAD_LETTERED))
    until(lambda: client.part("/dead-letters") and queues.times_received == 3)


def test_stream_shows_what_other_commands_did(client, queues, source):
    queues.put(GATEWAY)
    page = client.part("/dead-letters")
    live = html.unescape(re.search('data-live="([^"]+)"', page)[1])
    stream = client.messages(f"{live}&after=0&generation=1")
    queues.put(SKU)
    assert next(each for each in stream if SKU.message_id in each.get("data", ""))
    queues.delete(GATEWAY)
    assert next(each for each in stream if "no longer in its queue" in each.get("data", ""))
    stream.close()


def test_stack_without_queues_gets_a_sentence_until_it_has_them(client, monkeypatch):
    page = client.part("/dead-letters")
    assert "make up" in page
    assert "No dead letters." not in page
    queues = FakeQueues()
    monkeypatch.setattr(dead_letter_list, "EVERY", 0.0)
    monkeypatch.setattr(dead_letters, "missing_queues", lambda *_: [])
    monkeypatch.setattr(
        dead_letters, "of", lambda *_, **__: DeadLetters(queues, FakeConsumers(), CONSUMERS)
    )
    stream = client.messages("/dead-letters/live?version=0&after=0&generation=1")
    assert next(each for each in stream if "No dead letters." in each.get("data", ""))
    stream.close()


def test_messages_of_an_earlier_cloud_are_forgotten(client, queues, source):
    queues.put(GATEWAY)
    assert rows(client.part("/dead-letters"))
    queues.dead_letters.clear()
    source.restart()
    source.add(delivery("payment", Outcome.DELIVERED))
    client.shows("event-event-1")
    client.part("/dead-letters")
    assert client.post(f"/dead-letters/{GATEWAY.message_id}/redrive").status == 422


def test_read_only_board_offers_and_accepts_no_action(client, queues, source):
    source.may_act = False
    queues.put(GATEWAY)
    assert "hx-post" not in client.part("/dead-letters")
    for action in ("redrive", "redrive-alike", "discard"):
        assert client.post(f"/dead-letters/{GATEWAY.message_id}/{action}").status == 403
    assert queues.dead_letters
