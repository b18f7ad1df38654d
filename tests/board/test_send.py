"""Tests of editing an event and sending it again."""

import hashlib
import html
import json
from types import SimpleNamespace

import pytest

from local_cloud.delivery.delivery_log import Origin, Outcome
from orderflow import contract
from tests.board.fakes import Client, FakeSource, bus_event, delivery, until
from workshop.board.copies import Copies
from workshop.board.views import send as view
from workshop.board.views.send import MASKED
from workshop.deployment.target import Target
from workshop.orders import sending


class FakeAws:
    """EventBridge and Lambda: what is sent appears in the source's log at once."""

    def __init__(self, source):
        self.source = source
        self.entries = []
        self.invoked = []
        self.refusal = {}

    def put_events(self, *, Entries):  # noqa: N803 - boto3's spelling
        self.entries += Entries
        if self.refusal:
            return {"FailedEntryCount": 1, "Entries": [self.refusal]}
        (entry,) = Entries
        detail = json.loads(entry["Detail"])
        self.source.add(bus_event(event_id="copy-1", producer="", detail=detail))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "copy-1"}]}

    def invoke(self, *, FunctionName, InvocationType, Payload):  # noqa: N803
        event = json.loads(Payload)
        self.invoked.append((FunctionName, InvocationType, event))
        origin = Origin.of(event)
        accepted = "2026-01-01T00:00:00"
        self.source.add(delivery("payment", Outcome.DELIVERED, origin=origin, accepted=accepted))


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def aws(source, monkeypatch):
    made = FakeAws(source)
    monkeypatch.setattr(Target, "client", lambda *_: made)
    return made


@pytest.fixture
def client(source, aws):
    with Client(source) as made:
        yield made


def text_of(event):
    return json.dumps({name: event[name] for name in sending.FIELDS}, indent=2)


VALID = bus_event().content
INVALID = json.loads(text_of(VALID).replace('"quantity": 1,', '"quantity": 0,'))
INVALID["detail"]["metadata"]["extra"] = "<b>"


def digest_in(page):
    return page.split('name="although" value="')[1].split('"')[0]


def test_valid_event_goes_to_the_bus_and_its_order_is_opened(client, aws):
    done = client.post("/send", event=text_of(VALID), target="bus")
    order_id = VALID["detail"]["metadata"]["correlation_id"]
    assert done.headers["hx-redirect"] == f"/orders/{order_id}"
    (entry,) = aws.entries
    assert entry["Source"] == "orderflow.order"
    assert entry["EventBusName"] == "orderflow-bus"
    assert json.loads(entry["Detail"]) == VALID["detail"]


def test_event_for_one_function_does_not_reach_the_bus(client, aws):
    assert client.post("/send", event=text_of(VALID), target="payment").status == 200
    ((function, kind, event),) = aws.invoked
    assert (function, kind) == ("orderflow-payment", "Event")
    assert contract.parse(event).detail == VALID["detail"]
    assert aws.entries == []


def test_event_for_one_function_shows_its_payload_and_is_sent_again(client, aws):
    client.post("/send", event=text_of(VALID), target="payment")
    ((_, _, event),) = aws.invoked
    detail = client.part(f"/events/{event['id']}")
    assert "Payload" in detail
    assert VALID["detail"]["metadata"]["event_id"] in detail
    assert "Ada" not in detail
    again = client.part(f"/send?from={event['id']}&personal=1")
    assert json.loads(
        html.unescape(again.split("<textarea")[1].split(">", 1)[1].split("</")[0])
    ) == {name: VALID[name] for name in sending.FIELDS}


def test_copy_names_its_original_in_details_and_list(client, source):
    source.add(bus_event())
    client.shows("event-event-1")
    client.post("/send", **{"event": text_of(VALID), "target": "bus", "from": "event-1"})
    assert "Sent again from" in client.part("/events/copy-1")
    assert 'href="/events/event-1"' in client.part("/events/copy-1")
    assert "Sent again from" not in client.part("/events/event-1")
    assert 'title="sent again from event-1"' in client.part("/")


def test_every_violation_is_shown_with_its_path(client):
    page = client.post("/send/check", event=json.dumps(INVALID)).text
    assert "Invalid: 2 errors." in page
    assert "detail: data.order.lines[0].quantity must be bigger than or equal to 1" in page
    assert "detail: metadata has properties that do not belong there: extra" in page


@pytest.mark.parametrize("name", list(sending.templates()))
def test_every_template_is_valid_and_has_a_new_order(client, name):
    event = sending.from_template(name)
    assert client.post("/send/check", event=json.dumps(event)).text.strip().endswith("Valid.</p>")
    assert sending.order_id(event) != sending.order_id(sending.from_template(name))
    assert "example-1" not in json.dumps(event)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is not JSON: line 1, column 2"),
        ("[]", "The event must be an object with the fields source, detail-type, detail only."),
        (text_of(VALID).replace('"quantity": 1', '"quantity": NaN'), "NaN is not JSON"),
        (json.dumps({"source": "", "detail-type": "x", "detail": {}}), "source must be a text"),
        (json.dumps({"source": "x", "detail-type": "x", "detail": []}), "detail must be an obj"),
        ("[" * 100_000, "This JSON is too deep."),
    ],
)
def test_text_that_is_no_event_is_explained_and_never_sent(client, aws, text, sentence):
    page = client.post("/send/check", event=text).text
    assert sentence in page
    assert "although" not in page
    assert client.post("/send", event=text, target="bus").status == 422
    assert aws.entries == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"source": "orderflow.payment"}, "source must be orderflow.order"),
        ({"detail-type": "<i>"}, "detail-type must be one of InventoryUpdated, OrderCreated"),
        ({"detail": {}}, "detail: must contain"),
    ],
)
def test_rule_beyond_the_schema_is_checked(client, change, sentence):
    assert sentence in client.post("/send/check", event=text_of(VALID | change)).text


def test_total_that_does_not_add_up_is_a_violation():
    event = json.loads(text_of(VALID))
    event["detail"]["data"]["order"]["total"] += 1
    assert sending.violations(event) == [
        "OrderCreated: the order's total is not the sum of its lines"
    ]


def test_invalid_event_is_sent_only_with_the_consent_for_this_text(client, aws):
    text = json.dumps(INVALID)
    other = text.replace("<b>", "<i>")
    consent = digest_in(client.post("/send/check", event=text).text)
    assert client.post("/send", event=text, target="bus").status == 422
    assert client.post("/send", event=other, target="bus", although=consent).status == 422
    assert aws.entries == []
    assert client.post("/send", event=text, target="bus", although=consent).status == 200
    assert len(aws.entries) == 1


def test_personal_data_is_shown_only_when_asked_for_and_then_editable(client, source):
    source.add(bus_event())
    client.shows("event-event-1")
    page = client.part("/send?from=event-1")
    assert "Ada" not in page
    assert "<textarea" not in page
    assert 'name="event"' not in page
    page = client.part("/send?from=event-1&personal=1")
    assert "Ada" in page
    assert "<textarea" in page


def test_event_is_sent_unchanged_without_its_personal_data_on_the_page(client, aws, source):
    source.add(bus_event())
    client.shows("event-event-1")
    page = client.part("/send?from=event-1&target=payment")
    assert 'value="payment" checked' in page
    assert "Ada" not in page
    assert client.post("/send", **{"from": "event-1", "target": "payment"}).status == 200
    ((function, _, event),) = aws.invoked
    assert function == "orderflow-payment"
    assert event["detail"] == VALID["detail"], "its real values"
    assert client.post("/send", **{"from": "gone", "target": "payment"}).status == 422
    edited = client.post("/send", **{"from": "event-1", "event": "", "target": "payment"})
    assert edited.status == 422


def test_masked_event_is_refused_even_with_a_consent(client, aws):
    event = json.loads(text_of(VALID))
    event["detail"]["data"]["order"]["ship_to"]["street"] = "hidden"
    text = json.dumps(event)
    page = client.post("/send/check", event=text).text
    assert MASKED in page
    assert "although" not in page
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert client.post("/send", event=text, target="bus", although=digest).status == 422
    assert aws.entries == []


def test_copy_with_a_new_order_id_has_it_in_every_id(client, source):
    changed = sending.with_new_order(VALID)
    old, new = sending.order_id(VALID), sending.order_id(changed)
    assert old not in json.dumps(changed)
    assert changed["detail"]["metadata"]["event_id"] == f"{new}/order-created"
    assert changed["detail"]["data"]["order"]["order_id"] == new
    assert sending.violations(changed) == []


def test_refusal_of_the_bus_is_shown(client, aws):
    """PutEvents responds with status 200 to an event that it refuses."""
    aws.refusal = {"ErrorCode": "MalformedDetail", "ErrorMessage": "it is <b>"}
    done = client.post("/send", event=text_of(VALID), target="bus")
    assert done.status == 422
    assert "MalformedDetail: it is &lt;b&gt;" in done.text


def test_page_opens_later_when_a_function_is_busy(client, aws, source, monkeypatch):
    """The board knows a direct invocation only when its first attempt is over."""
    monkeypatch.setattr(view, "_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(aws, "source", FakeSource())
    done = client.post("/send", event=text_of(VALID), target="payment")
    assert "hx-redirect" not in done.headers
    again = html.unescape(done.text.split('hx-get="')[1].split('"')[0])
    assert client.get(again).text == done.text
    ((_, _, event),) = aws.invoked
    source.add(delivery("payment", Outcome.DELIVERED, SimpleNamespace(content=event)))
    found = until(lambda: r if "hx-redirect" in (r := client.get(again)).headers else None)
    assert found.headers["hx-redirect"] == f"/orders/{sending.order_id(VALID)}"


def test_unknown_function_is_explained(client, aws):
    done = client.post("/send", event=text_of(VALID), target="nobody")
    assert "There is no function nobody" in done.text
    assert aws.invoked == []


@pytest.mark.parametrize("path", ["/send?from=gone", "/send?template=%3Cb%3E"])
def test_unknown_event_and_template_are_explained(client, path):
    page = client.part(path)
    assert "not stored any more" in page or "no template &#39;&lt;b&gt;&#39;" in page


def test_payload_in_the_editor_is_escaped(client, source):
    event = json.loads(bus_event().event)
    event["detail"]["data"]["order"]["ship_to"]["city"] = "</textarea><img onerror=alert(1)>"
    source.add(bus_event(detail=event["detail"]))
    client.shows("event-event-1")
    assert "<img" not in client.part("/send?from=event-1&personal=1")


def test_read_only_board_sends_nothing(source, aws):
    source.may_act = False
    with Client(source) as client:
        assert "hx-post" not in client.part("/send?template=OrderCreated")
        assert client.post("/send", event=text_of(VALID), target="bus").status == 403
    assert aws.entries == []


def test_oldest_events_sent_to_a_function_are_removed():
    copies = Copies(most_stored=2)
    for number in range(3):
        copies.store(f"sent-{number}", {"number": number})
    assert [copies.sent(f"sent-{number}") for number in range(3)] == [
        {},
        {"number": 1},
        {"number": 2},
    ]


def test_oldest_copies_are_forgotten():
    copies = Copies(most=2)
    for number in range(3):
        copies.add(f"copy-{number}", "event-1")
    assert [copies.original(f"copy-{number}") for number in range(3)] == ["", "event-1", "event-1"]
