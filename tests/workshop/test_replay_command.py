"""Tests of the command `replay`: its range, its request, and its report."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import replay as commands
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.recovery import replaying
from workshop.recovery.replaying import Range

BUS = "arn:aws:events:us-east-1:000000000000:event-bus/orderflow-bus"
ARCHIVE = "arn:aws:events:us-east-1:000000000000:archive/orderflow-archive"
RULE = "arn:aws:events:us-east-1:000000000000:rule/orderflow-bus/orderflow-shipping"
BEGIN = datetime(2026, 1, 15, 9, tzinfo=UTC)


class FakeEvents:
    """EventBridge with one archive; a replay is over at the second look."""

    class exceptions:  # noqa: N801 - boto3's spelling
        class ResourceNotFoundException(Exception):  # noqa: N818
            """There is no such rule."""

    def __init__(self):
        self.requests = []
        self.states = ["RUNNING", "COMPLETED"]
        self.reason = {}
        self.archives = [{"ArchiveName": "orderflow-archive"}]
        self.cancelled = []

    def describe_event_bus(self, Name):  # noqa: N803
        return {"Arn": BUS}

    def list_archives(self, EventSourceArn):  # noqa: N803
        return {"Archives": self.archives}

    def describe_archive(self, ArchiveName):  # noqa: N803
        return {"ArchiveArn": ARCHIVE}

    def describe_rule(self, Name, EventBusName):  # noqa: N803
        if Name != "orderflow-shipping":
            raise self.exceptions.ResourceNotFoundException
        return {"Arn": RULE}

    def start_replay(self, **request):
        self.requests.append(request)

    def describe_replay(self, ReplayName):  # noqa: N803
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state == "interrupted":
            raise KeyboardInterrupt
        return {"State": state, **self.reason}

    def cancel_replay(self, ReplayName):  # noqa: N803
        self.cancelled.append(ReplayName)


@pytest.fixture
def events(monkeypatch):
    fake = FakeEvents()
    monkeypatch.setattr(Stack, "client", lambda *_: fake)
    monkeypatch.setattr(replaying, "POLL_SECONDS", 0)
    return fake


@pytest.fixture
def stack():
    names = {key: f"orderflow-{key}" for key in ("shipping", "order-api")}
    outputs = Outputs("http://api", "orderflow-bus", "us-east-1", names, {}, {})
    return Stack(5, Target.local("test", "http://127.0.0.1:9"), outputs)


def test_range_and_bus_are_those_of_the_request(events, stack):
    replaying.replay(stack, Range(BEGIN, BEGIN + timedelta(minutes=5)))
    [request] = events.requests
    assert (request["EventStartTime"], request["EventEndTime"]) == (
        BEGIN,
        BEGIN + timedelta(minutes=5),
    )
    assert request["EventSourceArn"] == ARCHIVE
    assert request["Destination"] == {"Arn": BUS}


def test_one_function_is_named_by_its_rule(events, stack):
    replaying.replay(stack, Range(BEGIN, BEGIN + timedelta(minutes=5)), "shipping")
    assert events.requests[0]["Destination"] == {"Arn": BUS, "FilterArns": [RULE]}


def test_function_without_a_rule_is_refused(events, stack):
    with pytest.raises(WorkshopError, match="No rule invokes order-api"):
        replaying.replay(stack, Range(BEGIN, BEGIN + timedelta(minutes=5)), "order-api")
    assert events.requests == []


def test_stack_without_an_archive_names_the_stage(events, stack):
    events.archives = []
    with pytest.raises(WorkshopError, match="make up STAGE=5"):
        replaying.replay(stack, Range(BEGIN, BEGIN + timedelta(minutes=5)))


def test_failed_replay_gives_the_reason(events, stack):
    events.states, events.reason = ["FAILED"], {"StateReason": "no such archive"}
    with pytest.raises(WorkshopError, match="no such archive"):
        replaying.replay(stack, Range(BEGIN, BEGIN + timedelta(minutes=5)))


def test_interrupted_replay_is_cancelled(events, stack):
    events.states = ["interrupted"]
    with pytest.raises(KeyboardInterrupt):
        replaying.replay(stack, Range(BEGIN, BEGIN + timedelta(minutes=5)))
    assert events.cancelled == [events.requests[0]["ReplayName"]]


def test_slices_cover_the_range_without_a_gap():
    whole = Range(BEGIN, BEGIN + timedelta(seconds=150))
    slices = list(whole.slices(60))
    assert [each.since for each in slices] == [
        BEGIN + timedelta(seconds=seconds) for seconds in (0, 60, 120)
    ]
    assert [each.until for each in slices[:-1]] == [each.since for each in slices[1:]]
    assert slices[-1].until == whole.until
    assert list(whole.slices(None)) == [whole]


@pytest.mark.parametrize(
    ("after", "code"), [("SHIPMENT_PREPARED", 0), ("REFUNDED", 1)], ids=["same", "moved"]
)
def test_report_shows_whether_ended_orders_moved(monkeypatch, after, code):
    looks = [
        {"a": ("SHIPMENT_PREPARED", False), "b": ("PAID", True)},
        {"a": (after, False), "b": ("SHIPMENT_PREPARED", False)},
    ]
    sent = []
    target = SimpleNamespace(own=True)
    monkeypatch.setattr(commands, "current", lambda: SimpleNamespace(target=target))
    monkeypatch.setattr(replaying, "orders", lambda _: looks.pop(0))
    monkeypatch.setattr(replaying, "settled", lambda _: True)
    monkeypatch.setattr(replaying, "replay", lambda *request: sent.append(request))
    done = CliRunner().invoke(app, ["replay", "--minutes", "3", "--slice", "60"])
    assert len(sent) == 3
    assert ["PAID", "1", "0"] in [line.split() for line in done.output.splitlines()]
    assert done.exit_code == code or isinstance(done.exception, WorkshopError) == bool(code)
