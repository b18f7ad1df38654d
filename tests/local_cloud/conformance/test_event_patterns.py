"""Event patterns: the templates that LocalStack recorded on AWS, judged here by TestEventPattern
and by rules.
"""

import json
from functools import cache
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.cloud_builder import DETAIL_TYPE, SOURCE
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded

pytestmark = pytest.mark.deployed

CASES = json.loads(
    Path(__file__).with_name("recorded").joinpath("event_patterns.json").read_text("utf-8")
)["cases"]
VALID = [case for case in CASES if "matches" in case]
REFUSED = [case for case in CASES if "refused" in case]

OPEN = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "*",
}
"""A statement of a queue's policy: every rule may send to it."""

TEMPLATES = f"{LOCALSTACK}, event_pattern_templates"
PATTERNS = f"{LOCALSTACK}, events/test_events_patterns"
OTHERWISE_ON_MINISTACK = {
    "dot_joining_event": "a dotted name in the event is no path",
    "content_anything_prefix_ignorecase_EXC": "another reason",
    "content_anything_suffix_ignorecase_EXC": "another reason",
    "content_anything_suffix_list_null_type_EXC": "another reason",
    "content_wildcard_complex_EXC": "accepts it",
}
"""Template → what MiniStack does instead; all others are correct there, too."""


def named(cases):
    return [pytest.param(case, id=case["name"]) for case in cases]


def differing(cases, *, differ):
    """Return the cases that MiniStack judges otherwise, or those that it judges as AWS does."""
    return named(case for case in cases if (case["name"] in OTHERWISE_ON_MINISTACK) == differ)


def judged(lab, case):
    """Return TestEventPattern's verdict, or its refusal."""
    try:
        return lab.events.test_event_pattern(
            EventPattern=json.dumps(case["pattern"]), Event=json.dumps(case["event"])
        )["Result"]
    except ClientError as error:
        return error.response["Error"]


@recorded("Event patterns", "TestEventPattern says whether a pattern matches.", TEMPLATES)
@pytest.mark.parametrize("case", differing(VALID, differ=False))
def test_a_pattern_matches_as_recorded(lab, case):
    assert judged(lab, case) is case["matches"]


@recorded(
    "Event patterns",
    "A dotted name in an event is the path of a nested pattern.",
    TEMPLATES,
    ministack="a dotted name in the event is no path",
)
@pytest.mark.parametrize("case", differing(VALID, differ=True))
def test_a_dotted_name_in_an_event_is_a_path(lab, case):
    assert judged(lab, case) is case["matches"]


@recorded("Event patterns", "TestEventPattern refuses an invalid pattern.", TEMPLATES)
@pytest.mark.parametrize("case", differing(REFUSED, differ=False))
def test_an_invalid_pattern_is_refused_in_awss_words(lab, case):
    refusal = {"Code": "InvalidEventPatternException", "Message": case["refused"]}
    assert judged(lab, case) == refusal


@recorded(
    "Event patterns",
    "TestEventPattern refuses an invalid pattern, and a wildcard that is too complex.",
    TEMPLATES,
    ministack="accepts it, or gives another reason",
)
@pytest.mark.parametrize("case", differing(REFUSED, differ=True))
def test_an_invalid_pattern_is_refused_where_ministack_differs(lab, case):
    refusal = {"Code": "InvalidEventPatternException", "Message": case["refused"]}
    assert judged(lab, case) == refusal


@recorded(
    "Event patterns",
    "TestEventPattern refuses an event that is not JSON, no object, or lacks part of its envelope.",
    f"{PATTERNS}, test_plain_string_payload, test_array_event_payload, test_invalid_event_payload",
    ministack="another code, or accepts it",
)
@pytest.mark.parametrize(
    "event", ["plain string", '["plain string"]', '{"testEvent": "value"}'], ids=str
)
def test_an_event_that_is_none_is_refused(lab, event):
    with pytest.raises(ClientError) as refused:
        lab.events.test_event_pattern(
            Event=event, EventPattern='{"body": {"test2": [{"numeric": [">", 100]}]}}'
        )
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Parameter Event is not valid.",
    }


@documented(
    "Event patterns",
    "A detail that is a string is a value, even if the string holds JSON.",
    "event-ruler 337e8d9, the matcher of EventBridge",
    ministack="parses the string",
)
def test_a_string_detail_is_not_parsed(lab):
    event = {**CASES[0]["event"], "detail": '{"a": 1}'}
    assert not judged(lab, {"event": event, "pattern": {"detail": {"a": [1]}}})


@documented(
    "Event patterns",
    "A number that no double holds is refused in a numeric comparison.",
    "event-ruler 337e8d9, JsonRuleCompilerTest",
    ministack="accepts it",
)
def test_a_number_too_small_is_refused(lab):
    with pytest.raises(ClientError, match="Cannot compare number : 1E-325"):
        lab.events.test_event_pattern(
            Event=json.dumps(CASES[0]["event"]),
            EventPattern='{"detail": {"a": [{"numeric": ["=", 1E-325]}]}}',
        )


@documented(
    "Event patterns",
    "A number that a double holds is accepted in a numeric comparison, however small.",
    "event-ruler 337e8d9, JsonRuleCompilerTest",
)
def test_a_small_number_is_accepted(lab):
    event = {**CASES[0]["event"], "detail": {"a": 1e-320}}
    verdict = lab.events.test_event_pattern(
        Event=json.dumps(event), EventPattern='{"detail": {"a": [{"numeric": ["=", 1E-320]}]}}'
    )
    assert verdict["Result"]


@cache
def delivered_names(lab):
    """Return the templates whose rule delivered its template's event, and how PutRule refused.

    Each rule has the template's pattern and event inside the detail, on one bus, with one queue.
    """
    bus, queue = lab.bus(), lab.queue(policy=OPEN)
    refusals, entries = {}, []
    for case in CASES:
        event = {"case": case["name"], "event": case["event"]}
        pattern = {"detail": {"case": [case["name"]], "event": case["pattern"]}}
        try:
            lab.events.put_rule(
                Name=case["name"], EventBusName=bus, EventPattern=json.dumps(pattern)
            )
        except ClientError as error:
            refusals[case["name"]] = error.response["Error"]["Message"]
            continue
        lab.events.put_targets(
            Rule=case["name"], EventBusName=bus, Targets=[{"Id": "1", "Arn": queue.arn}]
        )
        entries.append(
            {
                "EventBusName": bus,
                "Source": SOURCE,
                "DetailType": DETAIL_TYPE,
                "Detail": json.dumps(event),
            }
        )
    for first in range(0, len(entries), 10):
        lab.events.put_events(Entries=entries[first : first + 10])
    lab.settle()
    bodies = [json.loads(message["Body"]) for message in lab.messages(queue)]
    return {body["detail"]["case"] for body in bodies}, refusals


@recorded("Event patterns", "A rule delivers what its pattern matches.", TEMPLATES)
@pytest.mark.parametrize("case", named(CASES))
def test_a_rule_delivers_as_recorded(lab, case):
    delivered, refusals = delivered_names(lab)
    if "refused" in case:
        assert refusals[case["name"]] == case["refused"]
    else:
        assert (case["name"] in delivered) is case["matches"]
