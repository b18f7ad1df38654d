"""Who may do what: PutEvents by entry, and who may talk to the local cloud at all."""

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud.protocol import HEADER
from tests.local_cloud.cloud_builder import REGION, Lab, bus_arn

pytestmark = pytest.mark.deployed


def entry(bus: str, source: str, detail_type: str) -> dict[str, str]:
    return {"EventBusName": bus, "Source": source, "DetailType": detail_type, "Detail": "{}"}


@pytest.fixture
def bus(lab: Lab) -> str:
    return lab.bus()


@pytest.fixture
def publisher(lab: Lab, bus: str) -> Any:
    """May put one kind of event on one bus."""
    statement = {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": bus_arn(bus),
        "Condition": {
            "StringEquals": {"events:source": "shop", "events:detail-type": ["Sold", "Returned"]}
        },
    }
    return lab.as_role(lab.role([statement]), "events")


def test_a_condition_on_source_and_detail_type_admits_what_it_names(
    publisher: Any, bus: str
) -> None:
    """Ten entries that all match are taken."""
    entries = [entry(bus, "shop", kind) for kind in ("Sold", "Returned")] * 5
    assert publisher.put_events(Entries=entries)["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    "wrong",
    [("shop", "Stolen"), ("thief", "Sold"), ("Sold", "shop")],
    ids=["detail-type", "source", "swapped"],
)
@pytest.mark.parametrize("place", [0, 1, 9])
def test_one_bad_entry_denies_the_request(
    lab: Lab, publisher: Any, bus: str, wrong: tuple[str, str], place: int
) -> None:
    """One denied entry at any place refuses the whole request."""
    entries = [entry(bus, "shop", "Sold")] * 9
    entries.insert(place, entry(bus, *wrong))
    receiver = lab.function()
    rule = lab.name("rule")
    arn = lab.events.put_rule(
        Name=rule, EventBusName=bus, EventPattern='{"source": ["shop", "thief", "Sold"]}'
    )["RuleArn"]
    lab.point(bus, rule, arn, receiver.arn)
    with pytest.raises(ClientError, match=r"AccessDenied.*not authorized.*events:PutEvents"):
        publisher.put_events(Entries=entries)
    lab.settle()
    assert receiver.calls() == []


def test_another_bus_is_denied(lab: Lab, publisher: Any) -> None:
    """By its ARN too."""
    other = lab.bus()
    for name in (other, bus_arn(other)):
        with pytest.raises(ClientError, match="AccessDenied"):
            publisher.put_events(Entries=[entry(name, "shop", "Sold")])


def test_refusal_names_role_action_and_resource(lab: Lab, bus: str) -> None:
    """As on AWS: the text says which permission to add."""
    role = lab.role([{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}])
    table = f"arn:aws:dynamodb:{REGION}:000000000000:table/orders"
    name = role.rpartition("/")[2]
    for service, action, arn, call in (
        ("dynamodb", "GetItem", table, {"TableName": "orders", "Key": {"id": {"S": "1"}}}),
        ("events", "PutEvents", bus_arn(bus), {"Entries": [entry(bus, "shop", "Sold")]}),
    ):
        client = lab.as_role(role, service)
        with pytest.raises(ClientError) as refused:
            client._make_api_call(action, call)
        assert re.fullmatch(
            rf"User: arn:aws:sts::000000000000:assumed-role/{name}/\S+ is not authorized to "
            rf"perform: {service}:{action} on resource: {arn} because no identity-based policy "
            rf"allows the {service}:{action} action",
            refused.value.response["Error"]["Message"],
        )


def ask(
    lab: Lab, method: str, path: str, headers: dict[str, str]
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(lab.endpoint_url).netloc, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_workshop/status"),
        ("POST", "/_workshop/stop"),
        ("OPTIONS", "/_workshop/stop"),
        ("POST", "/_ministack/reset"),
        ("OPTIONS", "/2015-03-31/functions"),
        ("POST", "/2015-03-31/functions"),
    ],
)
def test_a_web_page_cannot_drive_the_local_cloud(lab: Lab, method: str, path: str) -> None:
    """What a browser sends names the page, and is refused without a word that would admit it."""
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    status, answered, _ = ask(lab, method, path, headers)
    assert status == 403
    assert not any(name.startswith("access-control-allow") for name in answered)


@pytest.mark.parametrize("path", ["/_workshop/status", "/_ministack/health", "/"])
@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example:4566"}, {"Sec-Fetch-Site": "same-origin"}],
    ids=["rebound", "fetched"],
)
def test_a_plain_get_of_a_web_page_is_refused(lab: Lab, path: str, headers: dict[str, str]) -> None:
    """It carries no Origin, and might be read where the page's name leads to this machine."""
    assert ask(lab, "GET", "/_ministack/health", {})[0] == 200
    status, _, body = ask(lab, "GET", path, {HEADER: "1", **headers})
    assert status == 403
    assert "local cloud" in body


def test_the_control_api_wants_its_header(lab: Lab) -> None:
    """Without it, no request is served, not even one a page could send without an Origin."""
    assert ask(lab, "GET", "/_workshop/status", {})[0] == 403
    assert ask(lab, "GET", "/_workshop/status", {HEADER: "1"})[0] == 200
    assert ask(lab, "GET", "/_workshop/nothing", {HEADER: "1"})[0] == 404


def test_the_api_wants_a_signature(lab: Lab) -> None:
    """Authentication is on: an unsigned request is refused."""
    status, _, body = ask(lab, "POST", "/", {"X-Amz-Target": "AWSEvents.ListEventBuses"})
    assert status in {400, 403}
    assert "MissingAuthenticationToken" in body


def test_the_journal_holds_no_detail(lab: Lab, bus: str) -> None:
    """Neither the records nor the server's log show what an event says."""
    function = lab.function("raise ValueError('1 Secret Street')", retries=0)
    lab.rule(bus, function.arn)
    lab.publish(bus, correlation_id="order-8", address="1 Secret Street")
    lab.settle()
    records = [record.to_json() for record in lab.control.deliveries("order-8")]
    assert [record["outcome"] for record in records] == ["failed", "dropped"]
    assert "Street" not in json.dumps(records)
    log = lab.log.read_text()
    assert "order-8" in log
    assert "Street" not in log


def terraforms_lambda(lab: Lab, *calls: str) -> Any:
    """A client that Terraform's provider could be; its requests belong to these calls in turn."""
    client = boto3.client(
        "lambda",
        REGION,
        endpoint_url=lab.endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(user_agent_extra="Terraform/1.11.4", retries={"total_max_attempts": 1}),
    )
    ids = iter(calls)

    def name_call(context: dict[str, Any], **_: Any) -> None:
        context["retries"] = {"invocation-id": next(ids)}

    client.meta.events.register("before-call.lambda.AddPermission", name_call)
    return client


@pytest.mark.parametrize("source", ["the same", "another"])
def test_statement_id_that_is_taken_is_a_conflict(lab: Lab, source: str) -> None:
    """As Lambda's API says of AddPermission: ResourceConflictException, 409; Terraform's too.

    Only a try of the same call, whose answer was lost, gets the first try's answer.
    """
    first, second = lab.name("call"), lab.name("call")
    client = terraforms_lambda(lab, first, first, second)
    permission = {
        "FunctionName": lab.function().arn,
        "StatementId": "rule",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": "arn:aws:events:us-east-1:000000000000:rule/one",
    }
    made = client.add_permission(**permission)["Statement"]
    assert client.add_permission(**permission)["Statement"] == made
    if source == "another":
        permission["SourceArn"] += "-more"
    with pytest.raises(client.exceptions.ResourceConflictException) as caught:
        client.add_permission(**permission)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
