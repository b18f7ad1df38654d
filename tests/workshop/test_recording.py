"""What boto3 sends and receives is recorded, when an environment variable names a folder."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from workshop.deployment import recording
from workshop.deployment.target import RECORD_VARIABLE, Target, recorded

SECRET = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(RECORD_VARIABLE, str(tmp_path / "made"))
    monkeypatch.setenv("NAME_PREFIX", "proof")
    return tmp_path / "made"


def stubbed(service):
    """A client of a recorded session that asks nobody, and its stub."""
    client = recorded(boto3.Session(region_name="eu-west-1", **SECRET)).client(service)
    return client, Stubber(client)


def lines(folder):
    return [json.loads(each) for each in (folder / recording.FILE).read_text().splitlines()]


def test_a_request_and_its_response_are_recorded_without_ids(folder):
    client, stub = stubbed("sqs")
    url = "https://sqs.eu-west-1.amazonaws.com/123456789012/proof-q"
    arn = "arn:aws:sqs:eu-west-1:123456789012:proof-q"
    stub.add_response("get_queue_attributes", {"Attributes": {"QueueArn": arn}})
    with stub:
        client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    (line,) = lines(folder)
    assert line["service"] == "SQS"
    assert line["operation"] == "GetQueueAttributes"
    assert line["status"] == 200
    assert line["request"] == {
        "QueueUrl": "https://<host>/<account>/proof-q",
        "AttributeNames": ["QueueArn"],
    }
    assert line["response"] == {
        "Attributes": {"QueueArn": "arn:aws:sqs:eu-west-1:<account>:proof-q"}
    }


def test_an_error_of_aws_is_recorded_with_its_code(folder):
    client, stub = stubbed("dynamodb")
    stub.add_client_error("describe_table", "ResourceNotFoundException", http_status_code=400)
    with stub, pytest.raises(ClientError):
        client.describe_table(TableName="proof-orders")
    (line,) = lines(folder)
    assert line["status"] == 400
    assert line["response"]["Error"]["Code"] == "ResourceNotFoundException"


def test_other_resources_of_the_account_are_not_recorded(folder):
    client, stub = stubbed("dynamodb")
    stub.add_response("list_tables", {"TableNames": ["salaries", "proof-orders"]})
    with stub:
        client.list_tables()
    assert lines(folder)[0]["response"] == {"TableNames": ["proof-orders"]}


def test_nothing_is_recorded_when_no_folder_is_named(folder, monkeypatch):
    monkeypatch.delenv(RECORD_VARIABLE)
    client, stub = stubbed("dynamodb")
    stub.add_response("list_tables", {"TableNames": []})
    with stub:
        client.list_tables()
    assert not folder.exists()


def test_a_stack_in_an_account_is_recorded(folder, monkeypatch):
    for name, value in SECRET.items():
        monkeypatch.setenv(name.upper(), value)
    client = Target("aws-recorded", "eu-west-1", "1", None, own=False).client("dynamodb")
    with Stubber(client) as stub:
        stub.add_response("list_tables", {"TableNames": []})
        client.list_tables()
    assert [line["operation"] for line in lines(folder)] == ["ListTables"]
