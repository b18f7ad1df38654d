"""The flow picture: what is drawn at each stage, the numbers beside it, and its dots."""

import html
import itertools
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import FUNCTIONS, Client, FakeSource, bus_event, delivery, fake_stack
from workshop.board import flow_picture, stack_counts
from workshop.board.event_list import EventList
from workshop.board.flow_picture import FUNCTION_LEFT, FUNCTION_RIGHT, QUEUE_LEFT
from workshop.board.flow_state import FlowState, Move
from workshop.board.page import Board
from workshop.board.stack_counts import Counts
from workshop.board.views import flow as view
from workshop.errors import WorkshopError
from workshop.paths import STAGES
from workshop.recovery.dead_letters import Waiting
from workshop.stages import flow

NAMES = {name: key for key, name in FUNCTIONS.items()}


def stack_of(stage, *buffers):
    """Return a stack that has what Terraform makes at a stage, with buffers."""
    functions = [each for each in flow().functions.values() if each.stage <= stage]
    names = {each.key: FUNCTIONS[each.key] for each in functions}
    tables = {key: key for key, each in flow().tables.items() if each.stage <= stage}
    queues = {each.key: {} for each in functions if each.consumes and stage >= 5}
    stack = fake_stack(stage)
    outputs = replace(
        stack.outputs,
        function_names=names,
        table_names=tables,
        dead_letter_queue_urls=queues,
        buffer_queue_urls={key: f"http://127.0.0.1:9/queue/{key}-buffer" for key in buffers},
    )
    return replace(stack, outputs=outputs)


def picture(stage=5):
    return view._picture(stack_of(stage))


@pytest.fixture
def counts(monkeypatch):
    """Replace the requests to the stack: the test sets what they return."""
    found = {"items": {"orders": 7}, "messages": {}, "buffered": {}}
    monkeypatch.setattr(stack_counts, "read", lambda _: Counts(**found))
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_the_picture_has_the_functions_tables_and_queues_of_a_stage(stage):
    drawn = picture(stage)
    assert set(drawn.nodes) == set(stack_of(stage).outputs.function_names)
    tables = [lane.table for lane in drawn.lanes if lane.table]
    assert tables == list(stack_of(stage).outputs.table_names)
    queues = {key for key, node in drawn.nodes.items() if node.has_queue}
    assert queues == set(stack_of(stage).outputs.dead_letter_queue_urls)
    assert bool(queues) == (stage >= 5)


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_in_the_picture_overlaps(stage):
    drawn = picture(stage)
    edges = [(node.y, node.y + node.height) for node in drawn.nodes.values()]
    assert all(lower < upper for (_, lower), (upper, _) in itertools.pairwise(edges))
    for node in drawn.nodes.values():
        assert all(node.y < port.y < node.y + node.height for port in node.ports)
    heights = sorted(port.y for node in drawn.nodes.values() for port in node.ports)
    assert all(b - a >= 30 for a, b in itertools.pairwise(heights))
    assert drawn.height >= edges[-1][1]


def test_an_event_that_no_function_publishes_has_no_arrow():
    """At stage 2, nothing publishes out-of-stock yet."""
    assert picture(2).nodes["payment-refund"].ports[0].step == "payment-refunded"
    assert picture(3).nodes["payment-refund"].ports[0].step == "out-of-stock"


def test_a_function_that_no_stage_has_is_left_out():
    drawn = flow_picture.picture_of(flow(), ["order-api", "removed"], ["removed"], ["removed"])
    assert list(drawn.nodes) == ["order-api"]
    assert [lane.table for lane in drawn.lanes] == [""]


def test_counts_come_from_every_table_and_queue(monkeypatch):
    """Both queues of a consumer are one number."""
    sizes = {"orders": 3, "payments": 2}
    stack = stack_of(5)
    tables = {key: key for key in sizes}
    stack = replace(stack, outputs=replace(stack.outputs, table_names=tables))
    waiting = {("payment", "failed"): Waiting(2, 1), ("payment", "undelivered"): Waiting(4, 0)}
    queues = SimpleNamespace(waiting=lambda: waiting)
    monkeypatch.setattr(stack_counts, "item_count", lambda _, table: sizes[table])
    monkeypatch.setattr(stack_counts.dead_letters, "of", lambda _: SimpleNamespace(queues=queues))
    assert stack_counts.read(stack) == Counts(sizes, {"payment": 7}, {})


def test_a_stack_without_queues_is_not_asked_for_messages(monkeypatch):
    monkeypatch.setattr(stack_counts, "item_count", lambda *_: 1)
    assert stack_counts.read(stack_of(2)) == Counts({"orders": 1, "payments": 1}, {})


def test_a_buffer_is_asked_for_its_messages(monkeypatch):
    """Also for those that are being processed."""
    sizes = {"http://127.0.0.1:9/queue/payment-buffer": 4}
    monkeypatch.setattr(stack_counts, "item_count", lambda *_: 0)
    monkeypatch.setattr(stack_counts, "held_messages", lambda _, url: sizes[url])
    assert stack_counts.read(stack_of(2, "payment")).buffered == {"payment": 4}


def test_a_buffer_is_drawn_on_the_arrows_of_its_function():
    """Between the bus and the function, on the arrows of all events that wait in it."""
    drawn = view._picture(stack_of(5, "payment", "inventory"))
    assert {key for key, node in drawn.nodes.items() if node.has_buffer} == {"payment", "inventory"}
    for node in (drawn.nodes["payment"], drawn.nodes["inventory"]):
        top, height = node.buffer
        assert [top < port.y < top + height for port in node.ports] == [
            port.incoming for port in node.ports
        ]
    assert flow_picture.BUS < flow_picture.BUFFER_LEFT < flow_picture.BUFFER_RIGHT
    assert flow_picture.BUFFER_RIGHT < FUNCTION_LEFT


def test_the_page_shows_how_many_events_are_in_a_buffer(counts):
    counts["buffered"] = {"payment": 3}
    with Client(FakeSource(stack_of(5, "payment"))) as client:
        page = client.part("/flow")
    assert page.count('aria-label="3 events in the buffer of payment"') == 1
    assert re.search(r'id="number-payment-buffered">3<', page)
    assert "buffer-inventory" not in page


def test_the_page_does_not_mention_buffers_if_there_are_none(counts):
    with Client(FakeSource(stack_of(5))) as client:
        assert "buffer" not in client.part("/flow")


def test_the_stream_sends_the_number_in_a_buffer(counts):
    counts["buffered"] = {"payment": 3}
    with Client(FakeSource(stack_of(5, "payment"))) as client:
        shape = re.search(r"shape=([^\"]*)", client.part("/flow"))[1]
        stream = client.messages(f"/flow/live?shape={shape}&after=0&generation=1")
        data = next(stream)["data"]
        stream.close()
    assert "3 events in the buffer of payment" in data
    assert 'id="number-payment-buffered"' in data


def test_the_picture_is_drawn_again_when_a_buffer_comes():
    assert view._shape(stack_of(5)) != view._shape(stack_of(5, "payment"))


def test_a_delivery_goes_from_its_producer_over_the_bus_to_its_consumer():
    way = picture().delivery("order-created", "order-api", "payment")
    assert way[0][0] == way[-1][0] == FUNCTION_LEFT
    assert way[1][0] == way[2][0] < FUNCTION_LEFT
    nodes = picture().nodes
    assert way[0][1] == nodes["order-api"].port_y("order-created", incoming=False)
    assert way[-1][1] == nodes["payment"].port_y("order-created", incoming=True)


def test_a_dead_letter_goes_from_the_function_to_its_queue():
    way, kind = view._way(picture(), Move("s", "", "payment", Outcome.DEAD_LETTERED))
    assert [x for x, _ in way] == [FUNCTION_RIGHT, QUEUE_LEFT]
    assert kind == "bad"


def test_a_dropped_event_stops_before_its_consumer():
    way, kind = view._way(picture(), Move("order-created", "order-api", "payment", Outcome.DROPPED))
    assert way[-2][0] < way[-1][0] < FUNCTION_LEFT
    assert kind == "bad"


def state_of(*records):
    events, state = EventList(), FlowState()
    events.add(records)
    state.catch_up(events, NAMES)
    return state


def test_each_event_counts_once_for_each_function():
    event = bus_event("OrderCreated", "payment", "order-tracker")
    state = state_of(
        event,
        delivery("payment", Outcome.FAILED, event, attempt=1, next_try="later"),
        delivery("payment", Outcome.DELIVERED, event, attempt=2),
    )
    assert state.counts["order-api", "published"] == 1
    assert state.counts["payment", "delivered"] == 1
    assert state.counts["payment", "waiting"] == state.counts["payment", "failed"] == 0
    assert state.counts["order-tracker", "waiting"] == 1


def test_a_function_fails_until_its_next_success():
    events, state = EventList(), FlowState()
    outcomes = [Outcome.DELIVERED, Outcome.FAILED, Outcome.DEAD_LETTERED, Outcome.DELIVERED]
    seen = []
    for number, outcome in enumerate(outcomes):
        of = bus_event(event_id=f"event-{number}")
        events.add([delivery("payment", outcome, of, time=f"2026-01-01T00:00:0{number}")])
        state.catch_up(events, NAMES)
        seen.append("payment" in state.failing)
    assert seen == [False, True, True, False]


def test_an_older_record_does_not_change_whether_a_function_fails():
    one, two = bus_event(event_id="one"), bus_event(event_id="two")
    state = state_of(
        delivery("payment", Outcome.FAILED, one, time="2026-01-01T00:00:02"),
        delivery("payment", Outcome.DELIVERED, two, time="2026-01-01T00:00:01"),
    )
    assert state.failing == {"payment"}


def test_each_browser_gets_the_moves_after_its_own_revision():
    events, state = EventList(), FlowState()
    event = bus_event("OrderCreated", "payment")
    events.add([event])
    state.catch_up(events, NAMES)
    assert not state.moves(0)  # it waits
    events.add([delivery("payment", Outcome.DELIVERED, event)])
    state.catch_up(events, NAMES)
    state.catch_up(events, NAMES)
    assert state.moves(1) == {Move("order-created", "order-api", "payment"): 1}
    assert not state.moves(2)


def test_three_hundred_orders_are_one_move_for_each_way():
    events, state = EventList(), FlowState()
    for number in range(300):
        event = bus_event("OrderCreated", "payment", event_id=f"event-{number}")
        events.add([event, delivery("payment", Outcome.DELIVERED, event)])
    state.catch_up(events, NAMES)
    assert list(state.moves(0).values()) == [300]


def test_removed_events_are_not_counted_any_more():
    events, state = EventList(most=5), FlowState()
    for number in range(20):
        events.add([bus_event("OrderCreated", "payment", event_id=f"event-{number}")])
        state.catch_up(events, NAMES)
    assert state.counts["order-api", "published"] == 5
    assert state.counts["payment", "waiting"] == 5
    assert len(state._counted) == len(state._seen) == 5


def test_a_new_list_is_counted_from_its_start():
    state = FlowState()
    for _ in range(2):
        events = EventList()
        events.add([bus_event("OrderCreated", "payment")])
        state.catch_up(events, NAMES)
    assert state.counts["order-api", "published"] == 1


def test_a_direct_invocation_does_not_come_over_the_bus():
    event = bus_event(event_id="not-on-the-bus")
    state = state_of(delivery("payment", Outcome.DELIVERED, event))
    assert not state.moves(0)
    assert state.counts["payment", "delivered"] == 1


def test_a_function_that_published_after_its_failure_does_not_fail():
    """So it is after a redrive, which is no delivery."""
    event = bus_event()
    failed = delivery("payment", Outcome.FAILED, event, time="2026-01-01T00:00:00")
    published = bus_event("PaymentProcessed", event_id="later", producer="payment")
    assert state_of(event, failed).failing == {"payment"}
    assert state_of(event, failed, published).failing == set()


def test_a_repaired_event_counts_as_delivered():
    lost = bus_event("OrderCreated", "payment", event_id="lost")
    copy = bus_event("OrderCreated", "payment", event_id="copy", producer="reconciler")
    records = [lost, delivery("payment", Outcome.DROPPED, lost), copy]
    assert state_of(*records).counts["payment", "failed"] == 1
    state = state_of(*records, delivery("payment", Outcome.DELIVERED, copy))
    assert (state.counts["payment", "failed"], state.counts["payment", "delivered"]) == (0, 2)
    assert not state.failing


def test_every_function_with_dead_letters_is_red(counts):
    counts["messages"] = {"inventory": 1}
    source = FakeSource(stack_of(5))
    event = bus_event("OrderCreated", "payment")
    source.add(event, delivery("payment", Outcome.FAILED, event))
    with Client(source) as client:
        client.shows("event-event-1")
        page = client.part("/flow")
    assert page.count('class="failing"') == 2
    assert 'title="It has dead letters."' in page
    assert 'title="The last attempt failed."' in page


def test_functions_without_events_name_what_invokes_them(counts):
    with Client(FakeSource(stack_of(5))) as client:
        page = client.part("/flow")
    assert page.count("a schedule invokes it") == page.count("a person invokes it") == 1


def test_the_page_shows_each_function_with_a_link_to_its_events(counts):
    counts["messages"] = {"payment": 2}
    with Client(FakeSource(stack_of(5))) as client:
        page = client.part("/flow")
    for key in stack_of(5).outputs.function_names:
        assert page.count(f'href="/?function={key}"') == 2  # the picture and the table
    assert "7 items" in page
    assert "2 dead letters of payment" in page


def test_the_page_does_not_mention_dead_letters_before_stage_5(counts):
    for stage, expected in ((4, False), (5, True)):
        with Client(FakeSource(stack_of(stage))) as client:
            assert ("dead letters" in client.part("/flow")) == expected


def test_the_page_says_that_no_stack_is_up():
    with Client(FakeSource(up=False)) as client:
        assert "No stack is up" in client.part("/flow")


def test_the_stream_sends_a_delivery_and_the_function_that_fails(counts):
    source = FakeSource(stack_of(5))
    with Client(source) as client:
        page = client.part("/flow")
        shape = re.search(r"shape=([^\"]*)", page)[1]
        stream = client.messages(f"/flow/live?shape={shape}&after=0&generation=1")
        event = bus_event("OrderCreated", "payment")
        source.add(event, delivery("payment", Outcome.FAILED, event))
        data = next(each["data"] for each in stream if "data-points" in each.get("data", ""))
        stream.close()
    assert 'data-kind="bad"' in data
    assert "The last attempt failed." in re.search(r'id="failing-payment"[^>]*>', data)[0]
    assert 'id="flow"' not in data


def test_the_stream_does_not_repeat_what_the_page_shows(counts):
    with Client(FakeSource(stack_of(5))) as client:
        page = client.part("/flow")
        address = html.unescape(re.search(r'data-live="([^"]*)"', page)[1])
        message = next(client.messages(f"{address}&after=0&generation=1"))
    assert "<svg" not in message["data"]


def test_the_stream_replaces_the_picture_when_the_stage_changes(counts):
    source = FakeSource(stack_of(1))
    with Client(source) as client:
        client.part("/flow")
        stream = client.messages("/flow/live?shape=of+another+stage&after=0&generation=1")
        data = next(each["data"] for each in stream if 'id="flow"' in each.get("data", ""))
        stream.close()
    assert "order-tracker" in data
    assert "inventory" not in data


def test_a_failed_read_leaves_the_picture_without_counts(counts, monkeypatch):
    with Client(FakeSource(stack_of(1))) as client:
        monkeypatch.setattr(Board, "do", _refused)
        page = client.part("/flow")
    assert "order-tracker" in page
    assert "item" not in page.partition("<table")[0]


async def _refused(*_):
    raise WorkshopError("AWS did not answer.")


def test_the_picture_needs_no_inline_style_or_script(counts):
    with Client(FakeSource(stack_of(5))) as client:
        page = client.part("/flow")
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)


def test_the_page_places_all_parts_inside_the_picture():
    assert flow_picture.TABLE_RIGHT < flow_picture.WIDTH
