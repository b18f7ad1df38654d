"""The feed survives what a cloud can do: it dies, restarts, and loses records."""

import pytest

from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import Client, FakeSource, bus_event, delivery


@pytest.fixture
def source():
    return FakeSource()


@pytest.fixture
def board(source):
    with Client(source) as client:
        yield client


def test_dead_cloud_shows_a_banner_and_keeps_the_events(source, board):
    source.add(bus_event(event_id="before"))
    board.shows("event-before")
    source.die("The local cloud has ended.")
    page = board.shows("The local cloud has ended.")
    assert "event-before" in page
    assert "no stack" in page


def test_restarted_cloud_begins_a_new_list_and_removes_the_banner(source, board):
    source.add(bus_event(event_id="before"))
    board.shows("event-before")
    source.die("The local cloud has ended.")
    board.shows("The local cloud has ended.")
    source.restart()
    source.add(bus_event(event_id="after"))
    page = board.shows("event-after")
    assert "event-before" not in page
    assert "The local cloud has ended." not in page


def test_stream_of_the_old_log_asks_the_page_to_reload(source, board):
    source.add(bus_event(event_id="before"))
    board.shows("event-before")
    stream = board.messages("/events/live?after=0&generation=1")
    assert "event-before" in next(stream)["data"]
    source.restart()
    assert any(each.get("event") == "reload" for each in stream)
    stream.close()


def test_banner_of_a_dead_cloud_reaches_an_open_page(source, board):
    source.add(bus_event(event_id="before"))
    board.shows("event-before")
    stream = board.messages("/events/live?after=0&generation=1")
    assert "event-before" in next(stream)["data"]
    source.die("The local cloud has ended.")
    assert any("The local cloud has ended." in each.get("data", "") for each in stream)
    stream.close()


def test_lost_records_are_counted_in_a_banner():
    source = FakeSource(records=5)
    with Client(source) as board:
        source.add(bus_event(event_id="first"))
        board.shows("event-first")
        source.add(*(bus_event(event_id=f"e{number}") for number in range(30)))
        page = board.shows("event-e29")
    assert "The board missed 25 records" in page


def test_records_from_before_the_boards_start_are_no_loss():
    source = FakeSource(records=5)
    source.add(*(bus_event(event_id=f"e{number}") for number in range(30)))
    with Client(source) as board:
        assert "missed" not in board.shows("event-e29")


def test_board_without_a_stack_says_what_to_do():
    with Client(FakeSource(up=False)) as board:
        assert "no stack" in board.get("/").text


def test_long_log_is_read_page_by_page_up_to_its_end():
    source = FakeSource()
    source.add(*(bus_event(event_id=f"e{number}") for number in range(2_500)))
    with Client(source) as board:
        page = board.shows("event-e2499")
    assert "1800 older ones are not shown" in page
    assert "The board has removed 500 events" in page


def test_reader_that_reconnects_gets_only_what_it_missed(source, board):
    source.add(bus_event(event_id="seen"), bus_event(event_id="changed"))
    board.shows("event-changed")
    source.add(delivery("payment", Outcome.KILLED, bus_event(event_id="changed")))
    stream = board.messages("/events/live?after=2&generation=1")
    message = next(each for each in stream if "event-changed" in each.get("data", ""))
    assert "event-seen" not in message["data"]
    stream.close()


def test_no_page_waits_for_a_cloud_that_is_known_to_be_paused(source, board):
    source.pause("It does not answer in time.")
    board.shows("It does not answer in time.")
    looked = source.looked
    for path in ("/", "/flow", "/dead-letters", "/place-order", "/send", "/faults", "/lesson"):
        assert board.get(path).status == 200
    assert "It does not answer in time." in board.post("/place-order").text
    assert source.looked == looked
    source.restart()
    source.add(bus_event(event_id="after"))
    assert "It does not answer in time." not in board.shows("event-after")
