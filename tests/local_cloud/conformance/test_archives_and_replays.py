"""EventBridge's archives and replays."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.local_cloud.cloud_builder import SOURCE, bus_arn
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded
from tests.local_cloud.conformance.refusals import refusal

pytestmark = pytest.mark.deployed

RECORDED = f"{LOCALSTACK}, events/test_archive_and_replay"
OTHER_WORDS = "another code or message"

DETAIL = {"command": "update-account", "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}}
"""The detail of LocalStack's recorded events."""


@pytest.fixture
def archived(lab):
    """A bus of its own with an archive: its name, and the archive's ARN."""
    bus = lab.bus()
    arn = lab.events.create_archive(ArchiveName=lab.name("archive"), EventSourceArn=bus_arn(bus))
    return bus, arn["ArchiveArn"]


def replay(lab, bus, archive_arn, **changes):
    """Return the parameters of a replay of the last hour."""
    now = datetime.now(UTC)
    return {
        "ReplayName": lab.name("replay"),
        "EventSourceArn": archive_arn,
        "EventStartTime": now - timedelta(hours=1),
        "EventEndTime": now + timedelta(hours=1),
        "Destination": {"Arn": bus_arn(bus)},
    } | changes


def finished(lab, name):
    """Wait until a replay is over; return how it is described."""

    def over():
        found = lab.events.describe_replay(ReplayName=name)
        return found if "ReplayEndTime" in found else None

    return lab.eventually(over)


@recorded(
    "EventBridge",
    "A replay reaches only the rules that FilterArns names.",
    f"{RECORDED}, test_start_list_describe_canceled_replay",
    ministack="reaches every rule",
)
def test_a_replay_reaches_the_rules_of_its_filter(lab, archived):
    bus, archive = archived
    functions = [lab.function(), lab.function()]
    _, first = lab.rule(bus, functions[0].arn)
    lab.rule(bus, functions[1].arn)
    lab.publish(bus, 3)
    assert lab.eventually(lambda: [len(each.calls()) for each in functions] == [3, 3])
    started = replay(lab, bus, archive)
    started["Destination"]["FilterArns"] = [first]
    lab.events.start_replay(**started)
    assert finished(lab, started["ReplayName"])["State"] == "COMPLETED"
    assert lab.eventually(lambda: len(functions[0].calls()) == 6)
    lab.settle()
    assert len(functions[1].calls()) == 3
    assert {call["event"].get("replay-name") for call in functions[0].calls()[3:]} == {
        started["ReplayName"]
    }


@recorded(
    "EventBridge",
    "A replay is described with its times, and listed without its destination.",
    f"{RECORDED}, test_start_list_describe_canceled_replay",
    ministack="lacks the times",
)
def test_a_replay_is_described_with_its_times(lab, archived):
    bus, archive = archived
    lab.publish(bus)
    started = replay(lab, bus, archive)
    answer = lab.events.start_replay(**started)
    assert answer["State"] == "STARTING"
    assert "ReplayStartTime" in answer
    listed = {"ReplayName", "EventSourceArn", "State", "EventStartTime", "EventEndTime"}
    listed |= {"EventLastReplayedTime", "ReplayStartTime", "ReplayEndTime"}
    found = finished(lab, started["ReplayName"])
    assert found.keys() - {"ResponseMetadata"} == listed | {"ReplayArn", "Destination"}
    [one] = lab.events.list_replays(NamePrefix=started["ReplayName"])["Replays"]
    assert set(one) == listed


@recorded(
    "EventBridge",
    "Replays come in pages.",
    f"{RECORDED}, test_list_replay_with_limit",
    ministack="all at once",
)
def test_replays_come_in_pages(lab, archived):
    prefix = lab.name("paged")
    for number in range(3):
        lab.events.start_replay(**replay(lab, *archived, ReplayName=f"{prefix}-{number}"))
    first = lab.events.list_replays(NamePrefix=prefix, Limit=2)
    second = lab.events.list_replays(NamePrefix=prefix, Limit=2, NextToken=first["NextToken"])
    assert [len(page["Replays"]) for page in (first, second)] == [2, 1]


@recorded(
    "EventBridge",
    "A replay whose end is not after its start is refused.",
    f"{RECORDED}, test_start_replay_error_invalid_end_time",
    ministack="accepts it",
)
@pytest.mark.parametrize("seconds", [0, 10])
def test_a_replay_that_ends_before_it_starts_is_refused(lab, archived, seconds):
    now = datetime.now(UTC).replace(microsecond=0)
    times = {"EventStartTime": now, "EventEndTime": now - timedelta(seconds=seconds)}
    assert refusal(lab.events.start_replay, **replay(lab, *archived, **times)) == (
        "ValidationException",
        "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.",
    )


@recorded(
    "EventBridge",
    "A replay for a bus that does not exist is refused.",
    f"{RECORDED}, test_start_replay_error_unknown_event_bus",
    ministack=OTHER_WORDS,
)
def test_a_replay_for_an_unknown_bus_is_refused(lab, archived):
    elsewhere = {"Arn": bus_arn("nosuch")}
    assert refusal(lab.events.start_replay, **replay(lab, *archived, Destination=elsewhere)) == (
        "ResourceNotFoundException",
        "Event bus nosuch does not exist.",
    )


@recorded(
    "EventBridge",
    "A replay for another bus than the archive's is refused.",
    f"{RECORDED}, test_start_replay_error_unknown_event_bus",
    ministack=OTHER_WORDS,
)
def test_a_replay_for_another_bus_is_refused(lab, archived):
    elsewhere = {"Arn": bus_arn(lab.bus())}
    assert refusal(lab.events.start_replay, **replay(lab, *archived, Destination=elsewhere)) == (
        "ValidationException",
        "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
    )


@recorded(
    "EventBridge",
    "A replay of an archive that does not exist is refused.",
    f"{RECORDED}, test_start_replay_error_unknown_archive",
    ministack=OTHER_WORDS,
)
def test_a_replay_of_an_unknown_archive_is_refused(lab):
    nosuch = bus_arn("").replace("event-bus/", "archive/nosuch")
    assert refusal(lab.events.start_replay, **replay(lab, "default", nosuch)) == (
        "ValidationException",
        "Parameter EventSourceArn is not valid. Reason: Archive nosuch does not exist.",
    )


@recorded(
    "EventBridge",
    "A second replay of the same name is refused.",
    f"{RECORDED}, test_start_replay_error_duplicate_name_same_archive",
    ministack="has another message",
)
def test_a_replay_exists_once(lab, archived):
    started = replay(lab, *archived)
    lab.events.start_replay(**started)
    assert refusal(lab.events.start_replay, **started) == (
        "ResourceAlreadyExistsException",
        f"Replay {started['ReplayName']} already exists.",
    )


@documented(
    "EventBridge",
    "A replay that is over cannot be cancelled.",
    "EventBridge API Reference, CancelReplay",
    ministack="another code",
)
def test_a_finished_replay_cannot_be_cancelled(lab, archived):
    started = replay(lab, *archived)
    lab.events.start_replay(**started)
    finished(lab, started["ReplayName"])
    code, _ = refusal(lab.events.cancel_replay, ReplayName=started["ReplayName"])
    assert code == "IllegalStatusException"


@recorded(
    "EventBridge",
    "An archive reports how many events it holds, and how large they are.",
    f"{RECORDED}, test_list_archive_with_events",
    ministack="reports 0 bytes",
)
def test_an_archive_reports_its_size(lab):
    bus, name = lab.bus(), lab.name("archive")
    lab.events.create_archive(
        ArchiveName=name,
        EventSourceArn=bus_arn(bus),
        EventPattern=json.dumps({"source": ["core.update-account-command"]}),
    )
    entry = {
        "EventBusName": bus,
        "Source": "core.update-account-command",
        "DetailType": "core.update-account-command",
        "Detail": json.dumps(DETAIL),
    }
    lab.events.put_events(Entries=[entry] * 10)
    lab.events.put_events(Entries=[{**entry, "Source": SOURCE}])
    found = lab.events.describe_archive(ArchiveName=name)
    assert (found["EventCount"], found["SizeBytes"]) == (10, 1590)
    [listed] = lab.events.list_archives(NamePrefix=name)["Archives"]
    assert (listed["EventCount"], listed["SizeBytes"]) == (10, 1590)


@recorded(
    "EventBridge",
    "An archive of a bus that does not exist is refused.",
    f"{RECORDED}, test_create_archive_error_unknown_event_bus",
    ministack="accepts it",
)
def test_an_archive_of_an_unknown_bus_is_refused(lab):
    asked = {"ArchiveName": lab.name("archive"), "EventSourceArn": bus_arn("nosuch")}
    assert refusal(lab.events.create_archive, **asked) == (
        "ResourceNotFoundException",
        "Event bus nosuch does not exist.",
    )


@recorded(
    "EventBridge",
    "A second archive of the same name is refused.",
    f"{RECORDED}, test_create_archive_error_duplicate",
    ministack="has another message",
)
def test_an_archive_exists_once(lab, archived):
    bus, arn = archived
    name = arn.rpartition("/")[2]
    asked = {"ArchiveName": name, "EventSourceArn": bus_arn(bus)}
    assert refusal(lab.events.create_archive, **asked) == (
        "ResourceAlreadyExistsException",
        f"Archive {name} already exists.",
    )


@recorded(
    "EventBridge",
    "The archives of a bus that does not exist cannot be listed.",
    f"{RECORDED}, test_list_archive_error_unknown_source_arn",
    ministack="lists none",
)
def test_archives_of_an_unknown_bus_are_refused(lab):
    assert refusal(lab.events.list_archives, EventSourceArn=bus_arn("nosuch")) == (
        "ResourceNotFoundException",
        "Event bus nosuch does not exist.",
    )


@recorded(
    "EventBridge",
    "An update of an archive that changes nothing is refused.",
    f"{RECORDED}, test_update_archive_error_unknown_archive",
    ministack="another code",
)
def test_an_empty_update_of_an_archive_is_refused(lab):
    assert refusal(lab.events.update_archive, ArchiveName="nosuch") == (
        "ValidationException",
        "At least one of EventPattern, RetentionDays or Description must be provided.",
    )
