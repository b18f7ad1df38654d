"""Tests of `make why`: what it reads, what it prints, and its exit codes."""

import json
import os

import pytest
from typer.testing import CliRunner

from local_cloud.delivery.change_log import BusEvent
from workshop.cli import app
from workshop.commands import why as command
from workshop.deployment.local import injected_faults
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import UsageError
from workshop.paths import in_stages
from workshop.why import answers

BUS = "orderflow-bus"
KEYS = ("payment", "inventory", "shipping", "payment-refund", "order-tracker")
PATTERNS = {path.stem: path.read_text("utf-8") for path in in_stages("terraform/patterns/*.json")}
EVENT = {
    "source": "orderflow.inventory",
    "detail-type": "InventoryUpdated",
    "detail": {"data": {"inventory": {"status": "OUT_OF_STOCK"}}},
}


class FakeEvents:
    """EventBridge with the rules of the stages."""

    def list_rules(self, **_):
        arn = f"arn:aws:events:us-east-1:000000000000:rule/{BUS}/"
        return {
            "Rules": [
                {"Name": key, "Arn": arn + key, "EventPattern": PATTERNS[key], "State": "ENABLED"}
                for key in KEYS
            ]
        }

    def list_targets_by_rule(self, Rule, **_):  # noqa: N803 - AWS's name
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:orderflow-{Rule}"
        return {"Targets": [{"Id": "1", "Arn": arn}]}


class FakeControl:
    """A local cloud that stores some events, and delivered none."""

    def __init__(self):
        self.stored = []

    def events(self):
        return self.stored

    def deliveries(self, _):
        return []


@pytest.fixture
def control(monkeypatch):
    made = FakeControl()
    monkeypatch.setattr(injected_faults, "switch", lambda _: made)
    monkeypatch.setattr(Target, "client", lambda *_: FakeEvents())
    monkeypatch.setattr(answers.permission, "problem", lambda *_: "")
    outputs = Outputs("", BUS, "us-east-1", {key: f"orderflow-{key}" for key in KEYS}, {}, {})
    stack = Stack(Target.local("default", "http://127.0.0.1:9"), 4, outputs)
    monkeypatch.setattr(command, "current", lambda: stack)
    return made


def run(*arguments, given=None):
    return CliRunner().invoke(app, ["why", *arguments], input=given, standalone_mode=False)


@pytest.fixture
def printed(control, capsys):
    """Run the command, and return what it prints on standard output."""

    def printed_by(*arguments, given=None):
        result = run(*arguments, given=given)
        assert result.exception is None, result.exception
        return result.stdout

    return printed_by


def row(text, key):
    """Return the words of a function's line."""
    (line,) = (each for each in text.splitlines() if each.startswith(f"{key} "))
    return line.split()


def stored(event, *rules, bus=BUS, **metadata):
    detail = event["detail"] | {"metadata": metadata}
    return BusEvent(json.dumps({**event, "detail": detail}), bus, rules)


def test_a_file_with_an_event_is_explained(printed, tmp_path):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(EVENT), "utf-8-sig")
    text = printed(str(path))
    assert "\x1b" not in text
    shipping = row(text, "shipping")
    assert shipping[1:5] == ["no", "match", "detail.data.inventory.status", '"OUT_OF_STOCK"']
    assert shipping[5] == '"RESERVED"'
    assert row(text, "payment-refund") == ["payment-refund", "matches"]
    assert row(text, "payment")[1:4] == ["no", "match", "detail-type"]


def test_one_function_is_shown_with_all_its_fields(printed):
    text = printed("-", "inventory", given=json.dumps(EVENT))
    fields = ("source", "detail-type", "detail.data.payment.status")
    assert all(each in text for each in fields)
    assert "payment-refund" not in text


def test_an_entry_of_put_events_without_bus_goes_to_the_default_one(printed):
    entry = {
        "Source": "orderflow.inventory",
        "DetailType": "InventoryUpdated",
        "Detail": json.dumps(EVENT["detail"]),
    }
    text = printed("-", given=json.dumps({"Entries": [entry, entry | {"EventBusName": BUS}]}))
    assert text.count("The event goes to the bus default") == 1
    assert text.count("InventoryUpdated  from orderflow.inventory") == 2


@pytest.mark.parametrize("asked", ["aws-id", "order-1/out-of-stock"])
def test_an_event_is_found_by_both_of_its_ids(control, printed, asked):
    sent = {"id": "aws-id", **EVENT}
    control.stored = [
        stored(EVENT | {"id": "other"}, correlation_id="order-1", event_id="order-1/other"),
        stored(sent, *KEYS, correlation_id="order-1", event_id="order-1/out-of-stock"),
    ]
    text = printed(asked)
    assert text.startswith(
        "InventoryUpdated  from orderflow.inventory  order-1/out-of-stock  aws-id"
    )
    assert row(text, "payment-refund") == ["payment-refund", "not", "yet"]
    assert text.count("function ") == 1


def test_all_events_of_an_order_are_shown(control, printed):
    control.stored = [
        stored(EVENT, correlation_id="order-1", event_id="order-1/a"),
        stored(EVENT, correlation_id="order-2", event_id="order-2/a"),
        stored(EVENT, correlation_id="order-1", event_id="order-1/b"),
    ]
    text = printed("order-1")
    assert [line.split()[3] for line in text.splitlines() if line.startswith("Inv")] == [
        *("order-1/a", "order-1/b")
    ]


def test_without_argument_it_is_the_newest_order(control, printed, monkeypatch):
    control.stored = [stored(EVENT, correlation_id="order-1", event_id="order-1/a")]
    monkeypatch.setattr(command, "newest", lambda _: "order-1")
    assert "order-1/a" in printed()


def test_an_event_that_reached_another_bus_is_said_so(control, printed):
    control.stored = [stored(EVENT, bus="default", event_id="lost")]
    text = printed("lost")
    assert f"goes to the bus default, and the rules are on the bus {BUS}" in text
    assert row(text, "payment-refund") == ["payment-refund", "matches"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("7", "an event is a JSON object with source, detail-type and detail"),
        ("[]", "an event is a JSON object"),
        ("[7]", "event 1, is no event"),
        ('{"source": "a"}', "detail-type and detail are missing"),
        ('{"source": "a", "detail-type": "b"}', "detail is missing"),
        ('{"source": 1, "detail-type": "b", "detail": {}}', "source must be text"),
        ('{"source": "a", "detail-type": "b", "detail": "{}"}', "detail must be an object"),
        ('{"Source": "a", "Detail": "{}"}', "DetailType is missing"),
        ('{"Source": "a", "DetailType": "b", "Detail": {}}', "Detail must be text"),
        ('{"Source": "a", "DetailType": "b", "Detail": "[]"}', "the text of a JSON object"),
    ],
)
def test_what_is_no_event_is_one_sentence(control, content, said):
    refused = run("-", given=content).exception
    assert isinstance(refused, UsageError)
    assert said in str(refused)
    assert str(refused).startswith("Standard input")


def test_a_file_that_cannot_be_read_is_one_sentence(control, tmp_path):
    (tmp_path / "picture.json").write_bytes(b"\xff\xd8")
    for name, said in {
        tmp_path: "cannot be read",
        tmp_path / "missing.json": "There is no file",
        tmp_path / "picture.json": "not text in UTF-8",
    }.items():
        refused = run(os.fspath(name)).exception
        assert isinstance(refused, UsageError)
        assert said in str(refused)


def test_an_unknown_id_or_function_is_one_sentence(control):
    assert "no recent event" in str(run("ord_1").exception)
    refused = run("-", "unknown", given=json.dumps(EVENT)).exception
    assert "There is no function unknown" in str(refused)


def test_on_aws_an_id_is_not_looked_up(control, monkeypatch):
    target = Target("aws-1-us-east-1", "us-east-1", "1", None, own=False)
    monkeypatch.setattr(
        command, "current", lambda: Stack(target, 4, Outputs("", BUS, "", {}, {}, {}))
    )
    refused = run("ord_1").exception
    assert isinstance(refused, UsageError)
    assert "give the event as a file, or - for standard input" in str(refused)
