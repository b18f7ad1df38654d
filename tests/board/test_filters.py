import pytest

from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import FUNCTIONS, Client, FakeSource, bus_event, delivery
from tests.board.test_flow import stack_of
from workshop.board.event_list import EventList
from workshop.board.filters import EventFilter

KEYS = {name: key for key, name in FUNCTIONS.items()}
RECORDS = (
    bus_event("OrderCreated", "payment", event_id="created", order_id="first"),
    delivery("payment", Outcome.FAILED, bus_event(event_id="created", order_id="first")),
    bus_event("PaymentProcessed", event_id="paid", order_id="second", producer="payment"),
)


def matching(**query):
    """Return the keys of the events that a filter matches."""
    events = EventList()
    events.add(RECORDS)
    wanted = EventFilter.of(query)
    return {each.key for each in events.newest_first() if wanted.matches(each, KEYS)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"created", "paid"}),
        ({"order": "nothing"}, set()),
        ({"type": "PaymentProcessed"}, {"paid"}),
        ({"type": "Payment"}, set()),
        ({"function": "payment"}, {"created", "paid"}),
        ({"function": "order-api"}, {"created"}),
        ({"outcome": "failed"}, {"created"}),
        ({"outcome": "delivered"}, set()),
        ({"text": "ORDERCREATED"}, {"created"}),
        ({"function": "payment", "type": "OrderCreated", "text": "  orderflow "}, {"created"}),
        ({"unknown": "x"}, {"created", "paid"}),
    ],
)
def test_filter_matches_events_that_have_everything(query, expected):
    assert matching(**query) == expected


def test_outcome_of_an_earlier_delivery_is_found():
    events = EventList()
    event = bus_event("OrderCreated", "payment")
    events.add(
        [event, *(delivery("payment", each) for each in (Outcome.FAILED, Outcome.DELIVERED))]
    )
    [line] = events.newest_first()
    for outcome, expected in (("failed", True), ("delivered", True), ("dropped", False)):
        assert EventFilter(outcome=outcome).matches(line, KEYS) == expected


def test_order_matches_from_the_start_of_its_id():
    [line] = _lines("created")
    assert matching(order=line.order_id[:9]) >= {"created"}
    assert matching(order=line.order_id) == {"created"}
    assert matching(order=line.order_id[1:]) == set()


def _lines(key):
    events = EventList()
    events.add(RECORDS)
    return [events.get(key)]


def test_value_of_a_filter_is_bounded():
    assert len(EventFilter.of({"text": "x" * 5_000}).text) == 200


def test_filter_in_the_address_is_shown_and_kept_for_the_stream():
    source = FakeSource()
    source.add(*RECORDS)
    with Client(source) as client:
        client.shows("event-paid")
        page = client.get("/?type=PaymentProcessed&text=order&order=").text
    assert "event-created" not in page
    assert 'data-live="/events/live?type=PaymentProcessed&amp;text=order"' in page
    assert "<option selected>PaymentProcessed</option>" in page


def test_filter_that_no_event_matches_says_so():
    with Client(FakeSource()) as client:
        assert "No event yet." in client.part("/")
        assert "No event matches." in client.part("/?type=OrderCreated")


def test_old_events_of_a_later_stage_have_short_function_names():
    source = FakeSource(stack_of(1))
    source.add(bus_event("OrderCreated", "payment"))
    with Client(source) as client:
        page = client.shows("event-event-1")
    assert "</span> payment" in page or ">payment<" in page
    assert FUNCTIONS["payment"] not in page
