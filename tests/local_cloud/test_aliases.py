"""Aliases: who asks for one gets the version it points to, by the alias' own rules.

Sources: Lambda Developer Guide, "Manage Lambda function versions", "Create an alias for a Lambda
function" and "Using resource-based policies"; AWS::Lambda::EventInvokeConfig.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from local_cloud.delivery.emulator_port import Function as Known
from local_cloud.delivery.emulator_port import name_in
from tests.local_cloud.cloud_builder import REGION, Function, Lab, attributes, bundle, eventually
from tests.local_cloud.fake_cloud import FakeCloud, InstantQueue, parts_around

ARN = "arn:aws:lambda:us-east-1:000000000000:function:charge"

TELL = "return [os.environ['AWS_LAMBDA_FUNCTION_VERSION'], os.environ.get('SETTING'), 'first code']"
RAISE = "raise ValueError('wrong')"


def test_a_name_is_found_with_and_without_a_qualifier() -> None:
    """Of functions that are gone, too."""
    assert [name_in(ARN), name_in(f"{ARN}:live"), name_in("odd")] == ["charge", "charge", "odd"]


def test_error_of_a_deleted_alias_names_its_function() -> None:
    """What is dropped is dropped for a function, never for one named live."""
    live = Known(f"{ARN}:live", "charge")
    fake = FakeCloud({live.arn: live})
    parts, queue = parts_around(fake, InstantQueue())
    parts.invoker.submit(live, {})
    fake.functions.clear()
    queue.run()
    (dropped,) = parts.journal.records()
    assert (dropped.function, dropped.reason) == ("charge", "the function is gone")


@pytest.fixture
def publish(lab: Lab) -> Callable[[Function], str]:
    """Publish a version once the function is ready; returns its number."""

    def make(function: Function) -> str:
        def ready() -> bool:
            found = lab.awslambda.get_function_configuration(FunctionName=function.name)
            return bool(found["LastUpdateStatus"] == "Successful")

        eventually(ready)
        return str(lab.awslambda.publish_version(FunctionName=function.name)["Version"])

    return make


def alias(lab: Lab, function: Function, version: str = "$LATEST") -> Function:
    """Make the alias `live`; returns the function as the alias names it."""
    made = lab.awslambda.create_alias(
        FunctionName=function.name, Name="live", FunctionVersion=version
    )
    return replace(function, arn=made["AliasArn"])


def answer(lab: Lab, name: str) -> Any:
    return json.loads(lab.awslambda.invoke(FunctionName=name)["Payload"].read())


@pytest.mark.deployed
def test_a_version_keeps_its_code_and_its_settings(lab: Lab, publish: Any) -> None:
    """Both change afterwards; the version, warm or cold, stays as it was, and so does its alias."""
    function = lab.function(TELL, variables={"SETTING": "old"})
    live = alias(lab, function, publish(function))
    assert answer(lab, live.arn) == ["1", "old", "first code"]
    lab.awslambda.update_function_code(
        FunctionName=function.name,
        ZipFile=bundle({"index.py": "import os\ndef handler(*_): return os.environ['SETTING']"}),
    )
    publish(function)
    lab.awslambda.update_function_configuration(
        FunctionName=function.name, Environment={"Variables": {"SETTING": "new"}}
    )
    assert answer(lab, function.name) == "new"
    assert answer(lab, f"{function.name}:2") == answer(lab, f"{function.arn}:2")
    assert answer(lab, live.arn) == ["1", "old", "first code"]


@pytest.mark.deployed
def test_nothing_new_is_no_new_version(lab: Lab, publish: Any) -> None:
    """Published again, code and settings the same: the last version's number."""
    function = lab.function()
    assert (publish(function), publish(function)) == ("1", "1")
    lab.awslambda.update_function_configuration(FunctionName=function.name, Description="changed")
    assert publish(function) == "2"


@pytest.mark.deployed
def test_a_moved_alias_serves_the_next_event(lab: Lab, publish: Any) -> None:
    """Forward and back, with the processes of both versions warm; logged as its version."""
    function = lab.function("print(os.environ['AWS_LAMBDA_FUNCTION_VERSION'], 'ran')")
    bus, live = lab.bus(), alias(lab, function, publish(function))
    lab.awslambda.update_function_configuration(FunctionName=function.name, Description="new")
    publish(function)
    lab.rule(bus, live.arn)
    for version in ("1", "2", "1", "2"):
        lab.awslambda.update_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
        lab.publish(bus)
        lab.settle()
    group = f"/aws/lambda/{function.name}"
    events = lab.logs.filter_log_events(logGroupName=group)["events"]
    lines = [(event["message"].strip(), event["logStreamName"]) for event in events]
    ran = [(line[0], stream) for line, stream in lines if line.endswith(" ran")]
    assert [version for version, _ in ran] == ["1", "2", "1", "2"]
    assert all(f"[{version}]" in stream for version, stream in ran)
    assert len({call["pid"] for call in function.calls()}) == 2


@pytest.mark.deployed
@pytest.mark.parametrize(("target", "permitted"), [("live", "function"), ("function", "live")])
def test_a_permission_is_for_the_alias_or_for_the_function(
    lab: Lab, target: str, permitted: str
) -> None:
    """Neither lets EventBridge invoke the other; the attributes name the target as it was."""
    function, bus = lab.function(), lab.bus()
    named = {"function": function, "live": alias(lab, function)}
    rule, rule_arn = lab.empty_rule(bus)
    dead = lab.queue(policy_for=rule_arn)
    lab.point(
        bus,
        rule,
        rule_arn,
        named[target].arn,
        permitted=False,
        DeadLetterConfig={"Arn": dead.arn},
    )
    lab.permit(named[permitted].arn, rule, rule_arn)
    lab.publish(bus)
    lab.settle()
    [message] = lab.messages(dead)
    found = attributes(message)
    assert (found["ERROR_CODE"], found["TARGET_ARN"]) == ("NO_PERMISSIONS", named[target].arn)
    lab.permit(named[target].arn, f"{rule}-too", rule_arn)
    lab.publish(bus)
    lab.settle()
    assert len(function.calls()) == 1


@pytest.mark.deployed
def test_an_alias_has_settings_of_its_own(lab: Lab) -> None:
    """Without any: AWS's defaults, whatever the function's say. The record names the alias."""
    dead, dead_of_live = lab.queue(), lab.queue()
    function = lab.function(RAISE, on_failure=dead, retries=0)
    live = alias(lab, function)
    lab.awslambda.invoke(FunctionName=live.arn, InvocationType="Event", Payload=b"{}")
    lab.settle()
    assert len(function.calls()) == 3
    lab.awslambda.put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier="live",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": dead_of_live.arn}},
    )
    lab.awslambda.invoke(FunctionName=live.arn, InvocationType="Event", Payload=b"{}")
    lab.settle()
    assert len(function.calls()) == 3 + 2
    [message] = lab.messages(dead_of_live)
    context = json.loads(message["Body"])["requestContext"]
    assert context["functionArn"] == live.arn
    assert lab.messages(dead) == []


@pytest.mark.deployed
def test_reserved_concurrency_is_the_functions(lab: Lab, publish: Any) -> None:
    """Nought of it stops every version and alias, invoked in either way."""
    dead, function = lab.queue(), lab.function()
    live = alias(lab, function, publish(function))
    lab.awslambda.put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier="live",
        DestinationConfig={"OnFailure": {"Destination": dead.arn}},
    )
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )
    with pytest.raises(lab.awslambda.exceptions.TooManyRequestsException):
        answer(lab, live.arn)
    lab.awslambda.invoke(FunctionName=live.arn, InvocationType="Event", Payload=b"{}")
    lab.settle()
    [message] = lab.messages(dead)
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert function.calls() == []


@pytest.mark.deployed
def test_a_role_may_invoke_the_alias_alone(lab: Lab) -> None:
    """An identity's policy names the alias or the function, and means just that."""
    function = lab.function()
    live = alias(lab, function)
    role = lab.role([{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": live.arn}])
    client = lab.as_role(role, "lambda")
    for name in (live.arn, f"{function.name}:live"):
        assert client.invoke(FunctionName=name)["StatusCode"] == 200
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.invoke(FunctionName=function.name)


@pytest.mark.deployed
def test_an_api_asks_the_alias(lab: Lab, publish: Any) -> None:
    """Permitted for the function alone it gets nothing; for the alias, the alias' version."""
    function = lab.function("return os.environ['AWS_LAMBDA_FUNCTION_VERSION']")
    live = alias(lab, function, publish(function))
    api = _api(lab, live.arn)
    source = f"arn:aws:execute-api:{REGION}:000000000000:{api}/*"
    lab.permit(function.arn, "function", source, "apigateway.amazonaws.com")
    assert _get(lab, api) == (500, {"message": "Internal Server Error"})
    lab.permit(live.arn, "alias", source, "apigateway.amazonaws.com")
    assert _get(lab, api) == (200, 1)


def _api(lab: Lab, target: str) -> str:
    """An HTTP API with one route, /, to a function or an alias; returns its id."""
    client = boto3.client(
        "apigatewayv2",
        endpoint_url=lab.endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    api: str = client.create_api(Name=lab.name("api"), ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=target,
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    client.create_route(ApiId=api, RouteKey="GET /", Target=f"integrations/{integration}")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return api


def _get(lab: Lab, api: str) -> tuple[int, Any]:
    request = AWSRequest("GET", f"{lab.endpoint_url}/_aws/execute-api/{api}/")
    SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(request)
    found = URLLib3Session().send(request.prepare())
    return found.status_code, json.loads(found.content)
