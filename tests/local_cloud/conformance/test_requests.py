"""A request is held against its service's model before the service does anything."""

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conformance import raw_requests
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded

pytestmark = pytest.mark.deployed

AWS = f"{LOCALSTACK}, tests/aws/services"
DYNAMODB = "dynamodb-conformance of nubo-db (every test passes on DynamoDB), tests/tier3"

NOTHING = "Value null at '{}' failed to satisfy constraint: Member must not be null"
LENGTH = (
    "Value '{}' at '{}' failed to satisfy constraint: "
    "Member must have length {} than or equal to {}"
)
VALUE = LENGTH.replace("length", "value")
PATTERN = (
    "Value '{}' at '{}' failed to satisfy constraint: "
    "Member must satisfy regular expression pattern: {}"
)
ENUM = "Value '{}' at '{}' failed to satisfy constraint: Member must satisfy enum value set: ["

INVALID = "ValidationException"
LAYER = {"LayerName": "any", "Content": {"ZipFile": b"any"}, "CompatibleArchitectures": ["x"] * 3}
ROLE = {"RoleArn": "arn:aws:iam::123456789012:role/any", "RoleSessionName": "Session1:2"}
ALARM = {"AlarmName": "any", "StateReason": "any", "StateValue": "INVALID"}
TARGET = {"Rule": "any", "Targets": [{"Id": "!@#$@!#$", "Arn": "arn:any"}]}

REFUSED = [
    ("dynamodb", "get_item", {"TableName": "any"}, INVALID, NOTHING.format("key")),
    (
        "events",
        "put_rule",
        {"Name": "any", "EventPattern": '{"source": ["any"]}', "State": "ON"},
        INVALID,
        ENUM.format("ON", "state"),
    ),
    (
        "lambda",
        "put_function_event_invoke_config",
        {"FunctionName": "any", "MaximumRetryAttempts": 3},
        INVALID,
        VALUE.format("3", "maximumRetryAttempts", "less", 2),
    ),
    (
        "iam",
        "create_role",
        {"RoleName": "", "AssumeRolePolicyDocument": "{}"},
        "ValidationError",
        LENGTH.format("", "roleName", "greater", 1),
    ),
    (
        "scheduler",
        "create_schedule_group",
        {"Name": "a b"},
        INVALID,
        PATTERN.format("a b", "name", "^[0-9a-zA-Z-_.]+$"),
    ),
    (
        "dynamodb",
        "scan",
        {"TableName": "any", "Limit": 0},
        INVALID,
        VALUE.format("0", "limit", "greater", 1),
    ),
    (
        "events",
        "put_targets",
        TARGET,
        INVALID,
        PATTERN.format("!@#$@!#$", "targets.1.member.id", r"[\.\-_A-Za-z0-9]+"),
    ),
    (
        "events",
        "put_events",
        {"Entries": []},
        INVALID,
        LENGTH.format("[]", "entries", "greater", 1),
    ),
    (
        "lambda",
        "create_alias",
        {"FunctionName": "any", "Name": "2024", "FunctionVersion": "1"},
        INVALID,
        PATTERN.format("2024", "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)"),
    ),
    (
        "lambda",
        "publish_layer_version",
        LAYER,
        INVALID,
        LENGTH.format("[x, x, x]", "compatibleArchitectures", "less", 2),
    ),
    (
        "logs",
        "filter_log_events",
        {"logGroupName": "any", "limit": 10001},
        "InvalidParameterException",
        VALUE.format("10001", "limit", "less", 10000),
    ),
    (
        "sts",
        "assume_role",
        ROLE,
        "ValidationError",
        PATTERN.format("Session1:2", "roleSessionName", r"[\w+=,.@-]*"),
    ),
    (
        "sqs",
        "send_message",
        {"QueueUrl": "any"},
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    ),
    (
        "cloudwatch",
        "set_alarm_state",
        ALARM,
        "ValidationError",
        ENUM.format("INVALID", "stateValue"),
    ),
]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code", "message"),
    REFUSED,
    ids=[f"{case[0]}-{case[1]}-{number}" for number, case in enumerate(REFUSED)],
)
@recorded(
    "Requests",
    "A request with a value that the service's model does not allow is refused.",
    f"{AWS}/*/*.snapshot.json, all messages with 'failed to satisfy constraint'; {DYNAMODB}",
    ministack="accepts it, or answers with another error",
)
def test_a_request_that_the_model_forbids_is_refused(
    lab, service, operation, parameters, code, message
):
    with pytest.raises(ClientError) as error:
        getattr(lab.client(service, validates=False), operation)(**parameters)
    found = error.value.response["Error"]
    assert found["Code"] == code
    assert message in found["Message"]


UNREADABLE = [
    ("dynamodb", "DynamoDB_20120810.PutItem", '{"TableName": "any", "Item": {"id": {"S": 1}}}'),
    ("dynamodb", "DynamoDB_20120810.PutItem", '{"TableName": "any", "Item": {"id": "1"}}'),
    ("dynamodb", "DynamoDB_20120810.GetItem", '{"TableName": true, "Key": {"id": {"S": "1"}}}'),
    ("dynamodb", "DynamoDB_20120810.Scan", '{"TableName": "any", "Limit": "1"}'),
    ("events", "AWSEvents.PutEvents", '{"Entries": {"Source": "any"}}'),
    ("sqs", "AmazonSQS.SendMessage", '{"QueueUrl": "any", "MessageBody": {}}'),
]


@pytest.mark.parametrize(("service", "target", "body"), UNREADABLE)
@recorded(
    "Requests",
    "A request with a value of another type is refused with SerializationException.",
    "dynalite's tests, recorded on DynamoDB: test/putItem.js, test/getItem.js, test/scan.js",
    ministack="accepts it, or answers with another error",
)
def test_a_value_of_another_type_is_refused(lab, service, target, body):
    request = raw_requests.signed(service, lab.endpoint_url, body, target=target)
    status, error, _ = raw_requests.send(request)
    assert (status, error) == (400, "SerializationException")


@documented(
    "Requests",
    "A service ignores members that its model does not know.",
    'Smithy specification, "AWS JSON 1.0 protocol": unknown members are ignored',
)
def test_an_unknown_member_is_ignored(lab):
    body = '{"Limit": 1, "NoSuchMember": {"any": 1}}'
    target = "DynamoDB_20120810.ListTables"
    request = raw_requests.signed("dynamodb", lab.endpoint_url, body, target=target)
    assert raw_requests.send(request)[0] == 200
