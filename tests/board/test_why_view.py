"""The view "Why not?", with answers that a test gives."""

import html
import json
import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import Client, FakeSource, bus_event, delivery
from workshop.why import answers
from workshop.why.answers import RuleAnswer
from workshop.why.explanation import Refusal

ORDER = "ord_" + "1a" * 16
CREATED = bus_event("OrderCreated", "payment", event_id="first", order_id=ORDER)
PAID = bus_event("PaymentProcessed", event_id="second", order_id=ORDER)
REFUSED = RuleAnswer(
    "orderflow-inventory",
    "inventory",
    matched=False,
    refusals=(
        Refusal(
            "detail.data.payment.status", 'is "SUCCEEDED"', '"DECLINED"', 'set it to "SUCCEEDED"'
        ),
    ),
    changed={"detail": {"ship_to": {"recipient": "Ada"}, "changed": True}},
)
OTHER_TYPE = RuleAnswer(
    "orderflow-shipping",
    "shipping",
    matched=False,
    refusals=(Refusal("detail-type", 'is "InventoryUpdated"', '"OrderCreated"', "other"),),
)
DELIVERED = RuleAnswer(
    "orderflow-payment", "payment", matched=True, outcome="delivered", arrived=True
)
FORBIDDEN = RuleAnswer(
    "orderflow-payment",
    "payment",
    matched=True,
    permission="Lambda does not let EventBridge invoke the function.",
)


@pytest.fixture
def asked(monkeypatch):
    """The events that were asked about; `asked.answers` are the answers."""

    class Asked(list):
        answers = (REFUSED,)

    found = Asked()

    def why(_stack, event, _matches, *, sent=None):
        found.append((event, sent))
        if "detail" not in event:
            raise ValueError("no detail")
        return list(found.answers)

    monkeypatch.setattr(answers, "why", why)
    return found


@pytest.fixture
def client():
    source = FakeSource()
    source.add(CREATED, PAID)
    source.add(delivery("order-api", Outcome.KILLED, bus_event(event_id="killed")))
    with Client(source) as made:
        made.shows("event-second")
        yield made


def text_of(page):
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", page)).split())


def test_refusing_field_is_shown_with_value_condition_and_change(client, asked):
    page = client.part("/why?event=first")
    text = text_of(page)
    assert 'detail.data.payment.status "DECLINED" is "SUCCEEDED" set it to "SUCCEEDED"' in text
    assert "pattern: refused by one field" in text
    assert "&quot;changed&quot;: true" in page or "&#34;changed&#34;: true" in page
    assert "Ada" not in page, "personal data are hidden"
    [(event, sent)] = asked
    assert event["id"] == "first"
    assert sent == CREATED.rules


def test_order_shows_its_newest_event_and_links_the_others(client, asked):
    page = client.part(f"/why?order={ORDER}")
    assert [event["id"] for event, _ in asked] == ["second"]
    assert 'href="/why?event=first"' in page
    assert 'href="/why?event=second" aria-current="true"' in page


def test_checks_are_shown_up_to_the_one_that_fails(client, asked):
    asked.answers = (DELIVERED,)
    text = text_of(client.part("/why?event=first"))
    assert "✓ pattern: matches ✓ permission: EventBridge may deliver to the target" in text
    assert "✓ function: delivered" in text
    asked.answers = (FORBIDDEN,)
    assert "✕ permission: Lambda does not let" in text_of(client.part("/why?event=first"))


def test_rules_for_other_types_are_folded_if_one_matches(client, asked):
    asked.answers = (DELIVERED, OTHER_TYPE)
    assert "1 rule for another type of event" in text_of(client.part("/why?event=first"))
    asked.answers = (OTHER_TYPE, REFUSED)
    assert "other type" not in text_of(client.part("/why?event=first"))


@pytest.mark.parametrize("start", [ORDER[:12], f"{ORDER[:12]}…"])
def test_start_of_an_id_is_enough(client, asked, start):
    client.part(f"/why?event={quote(start)}")
    assert [event["id"] for event, _ in asked] == ["second"]
    client.part("/why?event=ord_")
    assert len(asked) == 1, "it is too short"


def test_chosen_function_comes_first_with_one_sentence(client, asked):
    asked.answers = (DELIVERED, OTHER_TYPE)
    page = client.part("/why?event=first&function=shipping")
    assert "This is normal: shipping waits for is InventoryUpdated." in text_of(page)
    assert page.index("Checks of shipping") < page.index("Checks of payment")
    assert "<option selected>shipping</option>" in page
    assert "another type of event" not in text_of(page)


def test_no_change_is_suggested_for_an_event_of_another_type(client, asked):
    changed = replace(OTHER_TYPE, changed={"detail": {}})
    asked.answers = (changed,)
    assert "which the rule matches" not in text_of(client.part("/why?event=first"))
    event = {"source": "a", "detail-type": "OrderCreatd", "detail": {}}
    typing_error = client.post("/why", json=json.dumps(event)).text
    assert "which the rule matches" in text_of(typing_error)


def test_event_of_the_form_is_explained_and_escaped(client, asked):
    event = {"source": "<b>", "detail-type": "<img onerror=x>", "detail": {}}
    found = client.post("/why", json=json.dumps(event))
    assert found.status == 200
    assert "&lt;img onerror=x&gt;" in found.text
    assert "<img" not in found.text
    assert asked == [(event, None)], "it was not sent"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Paste an event"),
        ("{", "The text is not JSON"),
        ("[]", "The text is no event"),
        ('{"source": "a"}', "detail-type and detail are missing"),
    ],
)
def test_text_that_is_no_event_gets_a_sentence(client, asked, text, sentence):
    found = client.post("/why", json=text)
    assert found.status == 422
    assert sentence in found.text
    assert not asked


def test_event_that_eventbridge_refuses_gets_its_reason(client, monkeypatch):
    def why(*_, **__):
        raise ValueError("Detail is malformed")

    monkeypatch.setattr(answers, "why", why)
    assert "EventBridge refuses this event: Detail is malformed" in client.part("/why?event=first")


def test_type_or_step_stands_for_its_newest_event(client, asked):
    client.part("/why?event=OrderCreated")
    client.part("/why?event=order-created")
    assert len(asked) == 2
    assert asked[0] == asked[1]


def test_unknown_and_unpublished_events_get_a_sentence(client, asked):
    assert "The board stores no event and no order x" in client.part("/why?event=x")
    assert "never reached the bus" in client.part("/why?event=killed")
    assert not asked


def test_later_success_of_a_lost_event_is_part_of_its_answer(asked):
    lost = RuleAnswer(
        "orderflow-payment",
        "payment",
        matched=True,
        outcome="failed 3 times (TimeoutError), then dead-lettered",
        arrived=False,
    )
    asked.answers = (lost,)
    source = FakeSource()
    copy = bus_event("OrderCreated", "payment", event_id="copy", order_id=ORDER, producer="")
    source.add(CREATED, delivery("payment", Outcome.DEAD_LETTERED, CREATED))
    with Client(source) as client:
        client.shows("event-first")
        assert "payment not delivered" in text_of(client.part("/why?event=first"))
        source.add(copy, delivery("payment", Outcome.DELIVERED, copy))
        client.shows("event-copy")
        text = text_of(client.part("/why?event=first"))
    assert "payment delivered" in text
    assert "failed 3 times (TimeoutError), then dead-lettered, then sent again with success" in text


def test_form_is_offered_without_an_event(client, asked):
    assert 'name="json"' in client.part("/why")
    assert not asked
