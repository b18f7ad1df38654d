"""Requests held against botocore's models, in memory: many siblings of the conformance tests."""

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.loaders import Loader

from local_cloud.requests import validator
from local_cloud.requests.constraints import compiled
from local_cloud.requests.decoding import Request
from local_cloud.requests.operations import SERVICES
from tests.local_cloud.requests_of_boto3 import error_of, request_of

ROLE = "arn:aws:iam::123456789012:role/any"
ITEM = {"id": {"S": "1"}, "n": {"N": "1"}, "l": {"L": [{"M": {"b": {"B": b"x"}}}]}}
CODE = {"ZipFile": b"any"}
WINDOW = {"Mode": "OFF"}

ACCEPTED: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "put_item", {"TableName": "any", "Item": ITEM}),
    ("dynamodb", "put_item", {"TableName": f"arn:aws:dynamodb:us-east-1:1:table/{'a' * 255}",
                              "Item": ITEM}),
    ("dynamodb", "get_item", {"TableName": "a_b-c.d", "Key": {"id": {"S": "1"}}}),
    ("dynamodb", "query", {"TableName": "any", "ExpressionAttributeValues": {":v": {"S": ""}}}),
    ("dynamodb", "create_table", {"AttributeDefinitions": [], "KeySchema": [
        {"AttributeName": "id", "KeyType": "HASH"}]}),
    ("events", "put_events", {"Entries": [{}]}),
    ("events", "put_rule", {"Name": "any", "EventPattern": "{}", "Tags": [
        {"Key": "a b", "Value": "ü"}]}),
    ("lambda", "create_function", {"FunctionName": "any", "Role": ROLE, "Code": CODE,
                                   "Runtime": "python9.9", "Tags": {"a": "b"}}),
    ("lambda", "invoke", {"FunctionName": f"arn:aws:lambda:us-east-1:{'1' * 12}:function:f:live",
                          "Payload": b"no json"}),
    ("lambda", "list_functions", {"MaxItems": 50}),
    ("iam", "create_role", {"RoleName": "any", "AssumeRolePolicyDocument": "{}", "Tags": [
        {"Key": "Stage", "Value": "größer"}]}),
    ("iam", "list_roles", {}),
    ("sts", "get_caller_identity", {}),
    ("sqs", "receive_message", {"QueueUrl": "any", "AttributeNames": ["nonsense"]}),
    ("sns", "create_topic", {"Name": "any", "Attributes": {"DisplayName": "any"}}),
    ("logs", "filter_log_events", {"logGroupName": "/aws/lambda/any", "limit": 10000}),
    ("cloudwatch", "put_metric_data", {"Namespace": "any", "MetricData": [
        {"MetricName": "any", "Value": 1.5}]}),
    ("scheduler", "create_schedule", {"Name": "any", "ScheduleExpression": "rate(1 day)",
                                      "FlexibleTimeWindow": WINDOW,
                                      "Target": {"Arn": "arn:aws:sqs:us-east-1:1:q",
                                                 "RoleArn": ROLE}}),
    ("apigatewayv2", "create_api", {"Name": "any", "ProtocolType": "HTTP"}),
    ("s3", "get_object", {"Bucket": "any", "Key": "any"}),
]  # fmt: skip

INVALID = "ValidationException"
REFUSED: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("dynamodb", "put_item", {"TableName": "", "Item": ITEM}, INVALID, "length greater"),
    ("dynamodb", "put_item", {"TableName": "a" * 256, "Item": ITEM}, INVALID, "length less"),
    ("dynamodb", "get_item", {"TableName": "any"}, INVALID, "null at 'key'"),
    ("dynamodb", "delete_item", {"Key": {}}, INVALID, "null at 'tableName'"),
    ("dynamodb", "query", {"TableName": "any", "Select": "x"}, INVALID, "'x' at 'select'"),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Put": {"TableName": "any"}}]},
     INVALID, "null at 'transactItems.1.member.put.item'"),
    ("dynamodb", "transact_write_items", {"TransactItems": [{}] * 101}, INVALID, "length less"),
    ("dynamodb", "batch_write_item", {"RequestItems": {"any": []}}, INVALID,
     "'{any=[]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy"),
    ("dynamodb", "create_table", {"AttributeDefinitions": [
        {"AttributeName": "id", "AttributeType": "X"}]}, INVALID,
     "'X' at 'attributeDefinitions.1.member.attributeType'"),
    ("events", "put_events", {}, INVALID, "null at 'entries'"),
    ("events", "put_events", {"Entries": [{}] * 11}, INVALID, "[PutEventsRequestEntry(time=null"),
    ("events", "put_rule", {"Name": "a b"}, INVALID, "'a b' at 'name'"),
    ("events", "put_rule", {"Name": "any", "State": "ON"}, INVALID, "'ON' at 'state'"),
    ("events", "put_targets", {"Rule": "any", "Targets": [{"Id": "any"}]}, INVALID,
     "null at 'targets.1.member.arn'"),
    ("lambda", "create_function", {"FunctionName": "any", "Code": CODE}, INVALID, "'role'"),
    ("lambda", "create_function", {"FunctionName": "any", "Code": CODE, "Role": ROLE,
                                   "Layers": ["x"]}, INVALID, "Member must satisfy constraint: ["),
    ("lambda", "create_function", {"FunctionName": "any", "Code": CODE, "Role": ROLE,
                                   "Timeout": 0}, INVALID, "'0' at 'timeout'"),
    ("lambda", "invoke", {"FunctionName": "any", "InvocationType": "x"}, INVALID,
     "'x' at 'invocationType'"),
    ("lambda", "list_functions", {"MaxItems": 0}, INVALID, "'0' at 'maxItems'"),
    ("lambda", "put_function_event_invoke_config", {"FunctionName": "any",
                                                    "MaximumRetryAttempts": 3}, INVALID, "less"),
    ("lambda", "put_function_event_invoke_config", {"FunctionName": "any",
                                                    "MaximumEventAgeInSeconds": 59}, INVALID, "60"),
    ("lambda", "update_alias", {"FunctionName": "any", "Name": "any", "RoutingConfig": {
        "AdditionalVersionWeights": {"$LATEST": 0.5}}}, INVALID, "Map keys must satisfy"),
    ("scheduler", "create_schedule", {"Name": "a b", "ScheduleExpression": "any",
                                      "FlexibleTimeWindow": WINDOW,
                                      "Target": {"Arn": "any", "RoleArn": "any"}},
     INVALID, "'a b' at 'name'"),
    ("logs", "create_log_group", {"logGroupName": "a b"}, "InvalidParameterException", "'a b'"),
    ("iam", "create_role", {"RoleName": "", "AssumeRolePolicyDocument": "{}"},
     "ValidationError", "'' at 'roleName'"),
    ("iam", "create_role", {"RoleName": "any", "AssumeRolePolicyDocument": "{}",
                            "Tags": [{"Value": "x"}]},
     "ValidationError", "null at 'tags.1.member.key'"),
    ("iam", "create_role", {"RoleName": "any", "AssumeRolePolicyDocument": "{}", "Tags": [
        {"Key": "a?", "Value": "x"}]}, "ValidationError", "'a?' at 'tags.1.member.key'"),
    ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "x", "DurationSeconds": 1},
     "ValidationError", "'1' at 'durationSeconds'"),
    ("sns", "create_topic", {}, "ValidationError", "null at 'name'"),
    ("sqs", "create_queue", {}, "MissingParameter", "must contain the parameter QueueName."),
    ("cloudwatch", "put_metric_data", {}, "MissingParameter", "The parameter Namespace is"),
    ("apigatewayv2", "create_api", {"Name": "any", "ProtocolType": "FTP"},
     "BadRequestException", "'FTP' at 'protocolType'"),
]  # fmt: skip


def names(cases: list[Any]) -> list[str]:
    return [f"{number}-{case[0]}-{case[1]}" for number, case in enumerate(cases)]


@pytest.mark.parametrize("case", ACCEPTED, ids=names(ACCEPTED))
def test_a_request_that_fits_is_accepted(case):
    assert validator.refusal(request_of(*case)) is None


@pytest.mark.parametrize("case", REFUSED, ids=names(REFUSED))
def test_boto3_reads_the_refusal_of_a_request(case):
    service, operation, parameters, code, words = case
    answer = validator.refusal(request_of(service, operation, parameters))
    assert answer is not None
    error = error_of(service, operation, parameters, answer)
    assert error["Code"] == code
    assert words in error["Message"]
    if code != "MissingParameter":
        assert " detected: Value " in error["Message"]


TYPES = [
    ('{"TableName": 1}', "NUMBER_VALUE cannot be converted to String"),
    ('{"TableName": 1.5}', "DECIMAL_VALUE cannot be converted to String"),
    ('{"TableName": true}', "TRUE_VALUE cannot be converted to String"),
    ('{"TableName": ["any"]}', "Unrecognized collection type class java.lang.String"),
    ('{"TableName": {}}', "Start of structure or map found where not expected"),
    ('{"ConsistentRead": 1}', "NUMBER_VALUE cannot be converted to Boolean"),
    ('{"ConsistentRead": "maybe"}', "Unexpected token received from parser"),
    ('{"Key": "any"}', "Unexpected field type"),
    ('{"Key": []}', "Unrecognized collection type"),
    ('{"Key": {"id": "any"}}', "Unexpected field type"),
    ('{"Key": {"id": {"S": 1}}}', "NUMBER_VALUE cannot be converted to String"),
    ('{"Key": {"id": {"L": [{"M": {"n": {"N": 5}}}]}}}', "NUMBER_VALUE"),
    ('{"Key": {"id": {"B": "x"}}}', "Base64"),
    ('{"AttributesToGet": "any"}', "Unexpected field type"),
    ("{", "Unexpected token"),
    ("[]", "Unrecognized collection type"),
]


def dynamodb(body: str) -> Request:
    scope = "test/20260101/us-east-1/dynamodb/aws4_request"
    headers = {
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}",
        "x-amz-target": "DynamoDB_20120810.GetItem",
    }
    return Request("POST", "/", "", headers, body.encode())


@pytest.mark.parametrize(("body", "words"), TYPES)
def test_another_type_is_a_serialization_error(body, words):
    answer = validator.refusal(dynamodb(body))
    assert answer is not None
    content = json.loads(answer.body)
    assert content["__type"].endswith("#SerializationException")
    assert words in content["Message"]


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/", "", {}, b"{}"),
        dynamodb('{"TableName": "any", "Key": {}, "NoSuchMember": [1]}'),
        Request("POST", "/", "", {**dynamodb("").headers, "x-amz-target": "Other.GetItem"}, b"{}"),
    ],
    ids=["unsigned", "unknown-member", "unknown-operation"],
)
def test_what_the_model_does_not_know_is_passed_on(request_):
    assert validator.refusal(request_) is None


def test_a_form_and_a_query_string_are_read_alike():
    scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request"
    headers = {"authorization": scope, "content-type": "application/x-www-form-urlencoded"}
    form = "Action=GetRole&Version=2010-05-08&RoleName=a%20b"
    by_post = validator.refusal(Request("POST", "/", "", headers, form.encode()))
    by_get = validator.refusal(Request("GET", "/", form, headers, b""))
    assert by_post is not None
    assert by_get is not None
    assert b"'a b' at 'roleName'" in by_post.body
    assert b"'a b' at 'roleName'" in by_get.body


@pytest.mark.parametrize(
    "form",
    [
        "Action=SendMessageBatch&QueueUrl=any&SendMessageBatchRequestEntry.1.Id=any",
        "Action=SetQueueAttributes&QueueUrl=any&Attribute.1.Name=any&Attribute.1.Value=1",
        "Action=SendMessage&MessageBody=sent-to-the-queue-itself",
    ],
)
def test_a_form_of_sqs_has_other_names_than_the_model(form):
    """Older SDKs send them: the model, which has JSON's names only, says nothing about them."""
    scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request"
    headers = {"authorization": scope, "content-type": "application/x-www-form-urlencoded"}
    request = Request("POST", "/000000000000/any", "", headers, form.encode())
    assert validator.refusal(request) is None


def test_a_compressed_body_is_read():
    """SDKs compress what is larger than 10 KB, where the model allows it."""
    metrics = [{"MetricName": "any", "Value": 1.0, "Unit": "Count"}] * 500
    parameters = {"Namespace": "any", "MetricData": metrics}
    request = request_of("cloudwatch", "put_metric_data", parameters)
    assert request.headers["content-encoding"] == "gzip"
    assert validator.refusal(request) is None
    wrong = request_of("cloudwatch", "put_metric_data", parameters | {"Namespace": ""})
    answer = validator.refusal(wrong)
    assert answer is not None
    assert b"'' at 'namespace'" in answer.body
    broken = validator.refusal(replace(request, body=b"no gzip"))
    assert broken is not None
    assert b"SerializationException" in broken.body


def test_cbor_is_read_and_answered_in_cbor():
    """Newer SDKs send CloudWatch's requests so."""
    scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/monitoring/aws4_request"
    headers = {"authorization": scope, "smithy-protocol": "rpc-v2-cbor"}
    path = "/service/GraniteServiceVersion20100801/operation/SetAlarmState"
    body = b"\xa1iAlarmNamecany"  # {"AlarmName": "any"}
    answer = validator.refusal(Request("POST", path, "", headers, body))
    assert answer is not None
    assert answer.headers["content-type"] == "application/cbor"
    assert b"The parameter StateValue is required." in answer.body


def test_every_pattern_of_the_models_is_checked_but_three():
    """Python's expressions are not Java's: what cannot be compiled is listed here."""
    unchecked = {
        (service, name)
        for service in SERVICES.values()
        for name, shape in Loader().load_service_model(service, "service-2")["shapes"].items()
        if "pattern" in shape and compiled(shape["pattern"]) is None
    }
    assert unchecked == {
        ("dynamodb", "AutoScalingPolicyName"),
        ("dynamodb", "AutoScalingRoleArn"),
        ("logs", "ResourceType"),
    }


def test_a_secret_value_is_not_quoted():
    parameters = {"Name": "any", "AuthorizationType": "BASIC", "AuthParameters": {
        "BasicAuthParameters": {"Username": "any", "Password": ""}}}  # fmt: skip
    answer = validator.refusal(request_of("events", "create_connection", parameters))
    assert answer is not None
    assert "Value at '" in json.loads(answer.body)["message"]
