"""What an invocation leaves in CloudWatch Logs, and what it knows of itself."""

import base64
import json

import pytest

from tests.local_cloud.conformance.marks import LOCALSTACK, recorded

pytestmark = pytest.mark.deployed

EVENTS = f"{LOCALSTACK}, TestLambdaFeatures::test_invocation_type_event_error"
QUALIFIER = f"{LOCALSTACK}, TestLambdaFeatures::test_invocation_with_qualifier"
REQUEST_ID = f"{LOCALSTACK}, TestRequestIdHandling::test_request_id_invoke"


def logged(lab, function):
    """Return a function's log events; none while no run of it has written its log."""
    group = f"/aws/lambda/{function.name}"
    try:
        return lab.logs.filter_log_events(logGroupName=group)["events"]
    except lab.logs.exceptions.ResourceNotFoundException:
        return []


def invoke(lab, function, **how):
    return lab.awslambda.invoke(FunctionName=function.name, Payload=b"{}", **how)


@recorded(
    "CloudWatch Logs",
    "An error is one log event, with the function's own frames.",
    EVENTS,
    ministack="has an event for each line, and its own frame",
)
def test_an_error_is_one_log_event(lab):
    function = lab.function("raise ValueError('no')")
    invoke(lab, function)
    [event] = [each for each in logged(lab, function) if "[ERROR]" in each["message"]]
    lines = event["message"].replace("\u00a0", " ").splitlines()
    assert lines[:2] == ["[ERROR] ValueError: no", "Traceback (most recent call last):"]
    assert [line.split(",")[0] for line in lines[2:]] == [
        '  File "/var/task/index.py"',
        "    raise ValueError('no')",
    ]


@recorded(
    "CloudWatch Logs",
    "An environment has one log stream; a cold start has an INIT_START line and a duration.",
    EVENTS,
    ministack="has a stream for each invocation, and no line of a start",
)
def test_an_environment_has_one_stream_and_one_start(lab):
    function = lab.function()
    invoke(lab, function), invoke(lab, function)
    events = logged(lab, function)
    kinds = [each["message"].split()[0] for each in events]
    assert kinds == ["INIT_START", *["START", "END", "REPORT"] * 2]
    reports = [each["message"] for each in events if each["message"].startswith("REPORT")]
    assert ["Init Duration" in report for report in reports] == [True, False]
    assert len({each["logStreamName"] for each in events}) == 1


@recorded(
    "CloudWatch Logs",
    "The context's log stream is the stream; its memory is a text; its version is the version.",
    QUALIFIER,
    ministack="has another stream and a number",
)
def test_the_context_names_the_stream_of_its_version(lab):
    names = ["log_stream_name", "memory_limit_in_mb", "function_version"]
    function = lab.function(f"return [getattr(context, name) for name in {names}]")
    version = lab.awslambda.publish_version(FunctionName=function.name)["Version"]
    found = json.load(invoke(lab, function, Qualifier=version)["Payload"])
    assert found == [logged(lab, function)[0]["logStreamName"], "128", version]
    assert f"/[{version}]" in found[0]


@recorded(
    "CloudWatch Logs",
    "The log of a synchronous invocation has its START, END and REPORT lines.",
    REQUEST_ID,
    ministack="has what the function printed only",
)
def test_a_log_result_has_lambdas_own_lines(lab):
    function = lab.function("import logging; print('printed'); logging.warning('logged')")
    answer = invoke(lab, function, LogType="Tail")
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert [line.split()[0] for line in lines] == ["START", "printed", "[WARNING]", "END", "REPORT"]
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert lines[2].endswith(f"\t{request_id}\tlogged")


@recorded(
    "Lambda",
    "The response's request id is the one that the function sees and its log shows.",
    REQUEST_ID,
    ministack="has another id for each",
)
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_the_answers_request_id_is_the_contexts(lab, kind):
    function = lab.function()
    request_id = invoke(lab, function, InvocationType=kind)["ResponseMetadata"]["RequestId"]
    [call] = lab.eventually(function.calls)
    assert call["request"] == request_id
    started = f"START RequestId: {request_id} "
    assert lab.eventually(
        lambda: any(each["message"].startswith(started) for each in logged(lab, function))
    )
