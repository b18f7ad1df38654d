"""PutEvents judges each entry by itself."""

import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.cloud_builder import DETAIL_TYPE, SOURCE
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded

pytestmark = pytest.mark.deployed

SNAPSHOT = f"{LOCALSTACK}, tests/aws/services/events/test_events.snapshot.json"
ENTRY = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": '{"n": 1}'}
ACCEPTS = "accepts and delivers every entry"


def queue_on(lab, bus: str):
    """A queue that gets all of the lab's events of a bus."""
    name, arn = lab.empty_rule(bus)
    queue = lab.queue(policy_for=arn)
    lab.events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "1", "Arn": queue.arn}])
    return queue


def received(lab, queue, count: int) -> list[str]:
    bodies: list[str] = []

    def enough() -> bool:
        bodies.extend(message["Body"] for message in lab.messages(queue))
        return len(bodies) >= count

    lab.eventually(enough)
    return bodies


@pytest.mark.parametrize("detail", ['{"n":', "[]", '"x"', "no json", "null", "5", "{order: 1}"])
@recorded(
    "EventBridge",
    "PutEvents refuses an entry whose detail is no JSON object with MalformedDetail.",
    f"{SNAPSHOT}, test_put_event_malformed_detail",
    ministack=ACCEPTS,
)
def test_an_entry_with_a_malformed_detail_is_refused(lab, detail):
    answer = lab.events.put_events(Entries=[{**ENTRY, "Detail": detail}])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"] == [
        {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    ]


@pytest.mark.parametrize("empty", [False, True], ids=["missing", "empty"])
@pytest.mark.parametrize("name", ["Source", "DetailType", "Detail"])
@recorded(
    "EventBridge",
    "PutEvents refuses an entry without source, detail-type or detail with InvalidArgument.",
    f"{SNAPSHOT}, test_put_events_without_source, test_put_event_without_detail, "
    "test_put_event_without_detail_type",
    ministack=ACCEPTS,
)
def test_an_entry_without_a_required_field_is_refused(lab, name, empty):
    entry = {key: value for key, value in ENTRY.items() if key != name}
    if empty:
        entry[name] = ""
    answer = lab.events.put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 1
    reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
    assert answer["Entries"] == [{"ErrorCode": "InvalidArgument", "ErrorMessage": reason}]


@documented(
    "EventBridge",
    "PutEvents delivers the valid entries of a request and reports the others at their places.",
    "EventBridge API Reference, PutEvents: the response's Entries",
    ministack=ACCEPTS,
)
def test_the_good_entries_of_a_mixed_request_are_delivered(lab):
    bus = lab.bus()
    queue = queue_on(lab, bus)
    entries = [
        {**ENTRY, "EventBusName": bus, "Detail": detail}
        for detail in ('{"n": 1}', "no json", '{"n": 3}')
    ]
    answer = lab.events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 1
    assert [sorted(entry) for entry in answer["Entries"]] == [
        ["EventId"],
        ["ErrorCode", "ErrorMessage"],
        ["EventId"],
    ]
    events = [json.loads(body) for body in received(lab, queue, 2)]
    assert [event["detail"] for event in events] == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize("entries", [1, 2])
@recorded(
    "EventBridge",
    "PutEvents refuses a request whose entries are too large together.",
    f"{SNAPSHOT}, test_put_event_with_too_big_detail; 1 MB: the model of botocore 1.43",
    ministack=ACCEPTS,
)
def test_a_request_above_the_size_limit_is_refused(lab, entries):
    detail = json.dumps({"filler": "x" * (1_048_576 // entries)})
    with pytest.raises(ClientError) as error:
        lab.events.put_events(Entries=[{**ENTRY, "Detail": detail}] * entries)
    assert error.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Total size of the entries in the request is over the limit.",
    }


@pytest.mark.parametrize(
    ("time", "seen"),
    [
        (datetime(2022, 1, 1, tzinfo=UTC), "2022-01-01T00:00:00Z"),
        (datetime(2022, 1, 1, 1, 2, 3, 999_000, tzinfo=UTC), "2022-01-01T01:02:03Z"),
        (None, ""),
    ],
)
@recorded(
    "EventBridge",
    "An event has the time of its entry, or else the time of the request.",
    f"{SNAPSHOT}, test_put_events_time",
)
def test_an_event_has_the_time_of_its_entry(lab, time, seen):
    bus = lab.bus()
    queue = queue_on(lab, bus)
    now = datetime.now(UTC)
    entry = {**ENTRY, "EventBusName": bus} | ({"Time": time} if time else {})
    lab.events.put_events(Entries=[entry])
    (event,) = map(json.loads, received(lab, queue, 1))
    if seen:
        assert event["time"] == seen
    else:
        assert datetime.fromisoformat(event["time"]).year == now.year


@recorded(
    "EventBridge",
    "An event is JSON without blanks, with its fields in a fixed order.",
    f"{LOCALSTACK}, tests/aws/services/events/test_events_targets.snapshot.json, "
    "test_put_events_with_target_sns",
    ministack="other order, blanks",
)
def test_an_event_has_the_layout_of_aws(lab):
    bus = lab.bus()
    queue = queue_on(lab, bus)
    lab.events.put_events(Entries=[{**ENTRY, "EventBusName": bus}])
    (body,) = received(lab, queue, 1)
    assert list(json.loads(body)) == [
        "version", "id", "detail-type", "source", "account", "time", "region", "resources",
        "detail",
    ]  # fmt: skip
    assert body.endswith('"resources":[],"detail":{"n":1}}')
