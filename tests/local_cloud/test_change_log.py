"""The newest events and deliveries, as a live view reads them."""

import json

import pytest

from local_cloud.control import Control
from local_cloud.delivery.change_log import BusEvent, ChangeLog, Changes
from local_cloud.delivery.delivery_log import Delivery, Journal, Origin, Outcome
from local_cloud.errors import LocalCloudError
from tests.local_cloud.cloud_builder import Lab


def _event(number: int, *, size: int = 0) -> BusEvent:
    return BusEvent(json.dumps({"id": str(number), "detail": {"text": "x" * size}}), "orders")


def test_reader_gets_every_record_once_page_by_page() -> None:
    log = ChangeLog()
    for number in range(7):
        log.add(_event(number))
    found: list[object] = []
    read = log.after(0, limit=3)
    while read.records:
        found += read.records
        read = log.after(read.last, limit=3)
    assert found == [log.after(0).records[number] for number in range(7)]
    assert (read.last, read.newest, read.lost) == (7, 7, 0)


def test_slow_reader_is_given_the_number_of_lost_records() -> None:
    log = ChangeLog(records=3)
    for number in range(8):
        log.add(_event(number))
    read = log.after(2)
    assert [each.content["id"] for each in read.records if isinstance(each, BusEvent)] == [
        "5",
        "6",
        "7",
    ]
    assert (read.lost, read.last) == (3, 8)


def test_large_events_push_out_the_oldest_records() -> None:
    log = ChangeLog(event_bytes=1_000)
    for number in range(10):
        log.add(_event(number, size=300))
    kept = log.after(0).records
    assert 0 < sum(len(each.event) for each in kept if isinstance(each, BusEvent)) <= 1_000
    assert log.after(0).lost == 10 - len(kept)


def test_number_beyond_the_newest_reads_nothing_twice() -> None:
    log = ChangeLog()
    log.add(_event(1))
    assert log.after(99) == Changes(log.log_id, 1, 1, 0, ())


def test_events_and_deliveries_survive_json() -> None:
    log = ChangeLog()
    log.add(BusEvent('{"id": "1"}', "orders", ("payment", "tracker"), "order-api"))
    log.add(Delivery("payment", Outcome.FAILED, Origin("1", "e"), 2, "ValueError"))
    read = log.after(0)
    assert Changes.from_json(json.loads(json.dumps(read.to_json()))) == read


def test_journal_reports_each_delivery_to_its_listener() -> None:
    log = ChangeLog()
    journal = Journal(2, log.add)
    for number in range(4):
        journal.add(Delivery("payment", Outcome.DELIVERED, Origin(str(number))))
    assert len(log.after(0).records) == 4


@pytest.mark.deployed
def test_an_event_is_logged_before_its_deliveries(lab: Lab) -> None:
    function = lab.function("return None")
    bus = lab.bus()
    lab.rule(bus, function.arn)
    before = lab.control.changes()
    while before.records:
        before = lab.control.changes(before.log_id, before.last)
    [event_id] = lab.publish(bus, correlation_id="order-42")
    lab.settle()
    event, delivery = lab.control.changes(before.log_id, before.last, wait=30).records
    assert isinstance(event, BusEvent)
    assert isinstance(delivery, Delivery)
    assert (event.content["id"], event.bus, len(event.rules)) == (event_id, bus, 1)
    assert event.content["detail"]["metadata"]["correlation_id"] == "order-42"
    assert (delivery.origin.event_id, delivery.outcome) == (event_id, Outcome.DELIVERED)
    assert [each.content["id"] for each in lab.control.events("order-42")] == [event_id]
    assert lab.control.changes("another log", 10**9).last > 0


def test_answer_of_another_version_is_an_expected_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {**ChangeLog().after(0).to_json(), "records": [{"event": {"unknown": 1, "rules": []}}]}
    monkeypatch.setattr(Control, "_ask", lambda *_, **__: answer)
    with pytest.raises(LocalCloudError, match="another version"):
        Control("http://127.0.0.1:9").changes()


@pytest.mark.deployed
@pytest.mark.parametrize("path", ["changes?wait=nan", "idle?timeout=inf", "changes?wait=soon"])
def test_wait_that_is_no_number_of_seconds_is_refused(lab: Lab, path: str) -> None:
    with pytest.raises(LocalCloudError, match="refused"):
        lab.control._ask("GET", path)
