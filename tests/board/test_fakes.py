from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import Client, FakeSource, bus_event, delivery, until


def test_a_page_shows_what_the_source_logs():
    source = FakeSource()
    with Client(source) as client:
        source.add(bus_event("OrderCreated", "payment"), delivery("payment", Outcome.DELIVERED))
        page = client.shows("event-event-1")
        assert "<!doctype html>" in page
        assert "<!doctype html>" not in client.part("/")


def test_a_stream_sends_the_line_of_a_new_event():
    source = FakeSource()
    with Client(source) as client:
        until(lambda: source.reads > 1)
        stream = client.messages("/events/live?after=0&generation=1")
        source.add(bus_event(event_id="the-new-one"))
        message = next(each for each in stream if "the-new-one" in each.get("data", ""))
        assert message["id"] == "1"
        stream.close()
