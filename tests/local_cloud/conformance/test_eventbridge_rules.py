"""EventBridge's rules, targets and buses: what is refused, and what an update does."""

import json

import pytest

from tests.local_cloud.cloud_builder import REGION, SOURCE, bus_arn
from tests.local_cloud.conformance.marks import LOCALSTACK, differs, documented, recorded
from tests.local_cloud.conformance.refusals import refusal

pytestmark = pytest.mark.deployed

EVENTS = f"{LOCALSTACK}, events/test_events"
SCHEDULES = f"{LOCALSTACK}, events/test_events_schedule"
INPUTS = f"{LOCALSTACK}, events/test_events_inputs"
API = "EventBridge API Reference"

NO_CHECK = "accepts it"
PATTERN = json.dumps({"source": [SOURCE]})


@recorded(
    "EventBridge",
    "A rule that has targets cannot be deleted.",
    f"{EVENTS}, test_delete_rule_with_targets",
    ministack="deletes it",
)
def test_a_rule_with_targets_is_kept(lab):
    bus = lab.bus()
    rule, _ = lab.rule(bus, lab.queue().arn, permitted=False)
    assert refusal(lab.events.delete_rule, Name=rule, EventBusName=bus) == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )


@documented(
    "EventBridge",
    "A bus that has rules cannot be deleted.",
    f"{API}, DeleteEventBus",
    ministack="deletes both",
)
def test_a_bus_with_rules_is_kept(lab):
    bus = lab.bus()
    rule, _ = lab.empty_rule(bus)
    code, message = refusal(lab.events.delete_event_bus, Name=bus)
    assert (code, "rules" in message) == ("ValidationException", True)
    lab.events.delete_rule(Name=rule, EventBusName=bus)
    lab.eventually(lambda: deleted(lab, bus))


def deleted(lab, bus):
    """Whether a bus can be deleted by now: AWS sees a deleted rule for some seconds."""
    try:
        lab.events.delete_event_bus(Name=bus)
    except lab.events.exceptions.ClientError:
        return False
    return True


@recorded(
    "EventBridge",
    "A rule has at most five targets.",
    f"{EVENTS}, test_add_exceed_fife_targets_per_rule",
    ministack=NO_CHECK,
)
def test_a_sixth_target_is_refused(lab):
    bus, queue = lab.bus(), lab.queue()
    rule, _ = lab.empty_rule(bus)
    targets = [{"Id": str(number), "Arn": queue.arn} for number in range(6)]
    put = {"Rule": rule, "EventBusName": bus}
    lab.events.put_targets(**put, Targets=targets[:5])
    lab.events.put_targets(**put, Targets=targets[:1])
    assert refusal(lab.events.put_targets, **put, Targets=targets[5:]) == (
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    )


@recorded(
    "EventBridge",
    "The targets of a rule come in pages.",
    f"{EVENTS}, test_list_target_by_rule_limit",
    ministack="all at once",
)
def test_targets_come_in_pages(lab):
    bus, queue = lab.bus(), lab.queue()
    rule, _ = lab.empty_rule(bus)
    targets = [{"Id": str(number), "Arn": queue.arn} for number in range(5)]
    lab.events.put_targets(Rule=rule, EventBusName=bus, Targets=targets)
    asked = {"Rule": rule, "EventBusName": bus, "Limit": 3}
    first = lab.events.list_targets_by_rule(**asked)
    second = lab.events.list_targets_by_rule(**asked, NextToken=first["NextToken"])
    assert first["Targets"] + second["Targets"] == targets
    assert "NextToken" not in second


@documented(
    "EventBridge",
    "PutRule requires a pattern or a schedule.",
    f"{API}, PutRule",
    ministack=NO_CHECK,
)
def test_a_rule_needs_a_pattern_or_a_schedule(lab):
    assert refusal(lab.events.put_rule, Name=lab.name("rule")) == (
        "ValidationException",
        "Parameter(s) EventPattern or ScheduleExpression must be specified.",
    )


@documented(
    "EventBridge",
    "PutRule replaces a rule: what the request leaves out has its default again.",
    f"{API}, PutRule",
    ministack="keeps the old state and description",
)
def test_a_rule_is_replaced_as_a_whole(lab):
    rule = {"Name": lab.name("rule"), "EventPattern": PATTERN}
    lab.events.put_rule(**rule, State="DISABLED", Description="old")
    lab.events.put_rule(**rule)
    found = lab.events.describe_rule(Name=rule["Name"])
    assert (found["State"], found.get("Description")) == ("ENABLED", None)


@documented(
    "EventBridge",
    "PutRule ignores the tags of a rule that exists.",
    f"{API}, PutRule",
    ministack="replaces them",
)
def test_a_rule_keeps_its_tags(lab):
    rule = {"Name": lab.name("rule"), "EventPattern": PATTERN}
    arn = lab.events.put_rule(**rule, Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    lab.events.put_rule(**rule, Tags=[{"Key": "b", "Value": "2"}])
    assert lab.events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "a", "Value": "1"}
    ]


@recorded(
    "EventBridge",
    "A schedule is for rules of the default bus only.",
    f"{SCHEDULES}, tests_put_rule_with_schedule_custom_event_bus",
    ministack=NO_CHECK,
)
def test_a_schedule_on_a_custom_bus_is_refused(lab):
    rule = {"Name": lab.name("rule"), "EventBusName": lab.bus()}
    assert refusal(lab.events.put_rule, **rule, ScheduleExpression="rate(1 minute)") == (
        "ValidationException",
        "ScheduleExpression is supported only on the default event bus.",
    )


UNKNOWN = ("describe_rule", "enable_rule", "disable_rule", "list_targets_by_rule", "put_targets")


@recorded(
    "EventBridge",
    "A request about a rule that does not exist is refused.",
    f"{EVENTS}, test_describe_nonexistent_rule",
    ministack="another message, or success",
)
@pytest.mark.parametrize("request_name", UNKNOWN)
def test_an_unknown_rule_is_refused(lab, request_name):
    name = "Rule" if "targets" in request_name else "Name"
    targets = [{"Id": "1", "Arn": lab.queue().arn}]
    more = {"Targets": targets} if request_name == "put_targets" else {}
    assert refusal(getattr(lab.events, request_name), **{name: "nosuch"}, **more) == (
        "ResourceNotFoundException",
        "Rule nosuch does not exist on EventBus default.",
    )


@recorded(
    "EventBridge",
    "A bus that does not exist is named in the refusal.",
    f"{EVENTS}, test_describe_delete_not_existing_event_bus",
    ministack="has another message",
)
def test_an_unknown_bus_is_refused(lab):
    assert refusal(lab.events.describe_event_bus, Name="nosuch") == (
        "ResourceNotFoundException",
        "Event bus nosuch does not exist.",
    )


@recorded(
    "EventBridge",
    "A second bus of the same name is refused.",
    f"{EVENTS}, test_create_multiple_event_buses_same_name",
    ministack="has another message",
)
def test_a_bus_exists_once(lab):
    bus = lab.bus()
    assert refusal(lab.events.create_event_bus, Name=bus) == (
        "ResourceAlreadyExistsException",
        f"Event bus {bus} already exists.",
    )


@recorded(
    "EventBridge",
    "The default bus cannot be deleted.",
    f"{EVENTS}, test_delete_default_event_bus",
    ministack="has another message",
)
def test_the_default_bus_is_kept(lab):
    assert refusal(lab.events.delete_event_bus, Name="default") == (
        "ValidationException",
        "Cannot delete event bus default.",
    )


@recorded(
    "EventBridge",
    "Buses come in pages.",
    f"{EVENTS}, test_list_event_buses_with_limit",
    ministack="all at once",
)
def test_buses_come_in_pages(lab):
    prefix = lab.name("paged")
    names = [f"{prefix}-{number}" for number in range(3)]
    for name in names:
        lab.events.create_event_bus(Name=name)
    asked = {"NamePrefix": prefix, "Limit": 2}
    first = lab.events.list_event_buses(**asked)
    second = lab.events.list_event_buses(**asked, NextToken=first["NextToken"])
    assert [bus["Name"] for bus in first["EventBuses"] + second["EventBuses"]] == names
    assert set(first["EventBuses"][0]) == {"Name", "Arn", "CreationTime", "LastModifiedTime"}


@documented(
    "EventBridge",
    "A request can name a bus by its ARN, too.",
    f"{API}, PutRule",
    ministack="does not find it",
)
def test_a_rule_names_its_bus_by_arn(lab):
    bus = lab.bus()
    name = lab.name("rule")
    arn = lab.events.put_rule(Name=name, EventBusName=bus_arn(bus), EventPattern=PATTERN)["RuleArn"]
    assert lab.events.describe_rule(Name=name, EventBusName=bus)["Arn"] == arn


@recorded(
    "EventBridge",
    "A target has one kind of input.",
    f"{INPUTS}, test_put_event_input_path_and_input_transformer",
    ministack=NO_CHECK,
)
def test_two_kinds_of_input_are_refused(lab):
    bus = lab.bus()
    rule, _ = lab.empty_rule(bus)
    target = {
        "Id": "both",
        "Arn": lab.queue().arn,
        "InputPath": "$.detail",
        "InputTransformer": {"InputTemplate": '"text"'},
    }
    put = {"Rule": rule, "EventBusName": bus, "Targets": [target]}
    assert refusal(lab.events.put_targets, **put) == (
        "ValidationException",
        "Only one of Input, InputPath, or InputTransformer must be provided for target both.",
    )


@recorded(
    "EventBridge",
    "A template names only what its paths define.",
    f"{INPUTS}, test_put_events_with_input_transformer_missing_keys",
    ministack=NO_CHECK,
)
def test_an_undefined_placeholder_is_refused(lab):
    bus = lab.bus()
    rule, _ = lab.empty_rule(bus)
    transformer = {
        "InputPathsMap": {"known": "$.detail.a"},
        "InputTemplate": '{"a": <known>, "rule": <aws.events.rule-arn>, "b": <notdefinedkey>}',
    }
    target = {"Id": "one", "Arn": lab.queue().arn, "InputTransformer": transformer}
    put = {"Rule": rule, "EventBusName": bus, "Targets": [target]}
    assert refusal(lab.events.put_targets, **put) == (
        "ValidationException",
        "InputTemplate for target one contains invalid placeholder notdefinedkey.",
    )
    transformer["InputTemplate"] = transformer["InputTemplate"].replace("notdefinedkey", "known")
    lab.events.put_targets(**put)


@differs(
    "EventBridge",
    aws="A rule delivers to some twenty services.",
    here="PutTargets refuses all but functions, queues, topics, state machines and buses.",
    why="The event would be lost: MiniStack delivers to these alone.",
)
def test_a_target_that_is_not_delivered_to_is_refused(lab):
    bus = lab.bus()
    rule, _ = lab.empty_rule(bus)
    arn = f"arn:aws:kinesis:{REGION}:000000000000:stream/any"
    put = {"Rule": rule, "EventBusName": bus, "Targets": [{"Id": "1", "Arn": arn}]}
    code, message = refusal(lab.events.put_targets, **put)
    assert (code, "does not deliver to kinesis" in message) == ("ValidationException", True)
