"""Delivery records for people: a buffer is a part of its function."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from local_cloud.delivery.change_log import BusEvent, ChangeLog
from local_cloud.delivery.delivery_log import Outcome
from tests.board.fakes import bus_event, delivery, fake_stack
from workshop.board import source
from workshop.deployment.local import delivery_records, injected_faults

BUFFER = "orderflow-payment-buffer"


@pytest.fixture
def stack():
    """A stack with a buffer in front of payment."""
    stack = fake_stack()
    urls = {"payment": f"http://127.0.0.1:9/000000000000/{BUFFER}"}
    return replace(stack, outputs=replace(stack.outputs, buffer_queue_urls=urls))


def test_event_that_arrived_in_a_buffer_is_not_yet_delivered(stack):
    """All other records stay as they are."""
    event, tracked = bus_event("OrderCreated"), delivery("order-tracker", Outcome.DELIVERED)
    records = [event, delivery(BUFFER, Outcome.DELIVERED), tracked]
    assert delivery_records.at_functions(records, stack.outputs) == (event, tracked)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.DEAD_LETTERED, Outcome.DROPPED])
def test_failure_of_a_buffer_is_one_of_its_function(stack, outcome):
    (found,) = delivery_records.at_functions([delivery(BUFFER, outcome)], stack.outputs)
    assert found.function == "orderflow-payment"
    assert found.outcome is outcome


def test_records_of_an_order_are_read_from_the_local_cloud(stack, monkeypatch):
    asked = []
    records = [delivery(BUFFER, Outcome.DELIVERED), delivery("payment", Outcome.FAILED)]
    control = SimpleNamespace(deliveries=lambda order_id: asked.append(order_id) or records)
    monkeypatch.setattr(injected_faults, "switch", lambda _: control)
    assert [each.outcome for each in delivery_records.of(stack, "ord_1")] == [Outcome.FAILED]
    assert asked == ["ord_1"]


def test_board_reads_records_without_the_buffers_name(stack, monkeypatch):
    log = ChangeLog()
    for record in (bus_event("OrderCreated"), delivery(BUFFER, Outcome.DELIVERED)):
        log.add(record)
    control = SimpleNamespace(changes=lambda _, after, wait: log.after(after))
    monkeypatch.setattr(source, "current", lambda _: stack)
    monkeypatch.setattr(source, "Control", lambda *_: control)
    read = source.LocalSource("tests").read(source.Cursor(), 0)
    assert [type(each) for each in read.records] == [BusEvent]
    assert read.last == 2
