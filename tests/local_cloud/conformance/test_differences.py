"""What the local cloud does otherwise than AWS: each difference has a test, and a reason.

A test that fails here found that a difference has ended: delete the test, and state what AWS does
in a test with a mark of its own.
"""

import boto3
import pytest
from botocore.credentials import Credentials

from tests.local_cloud.cloud_builder import EVERYTHING
from tests.local_cloud.conformance import raw_requests
from tests.local_cloud.conformance.http_api import http_api
from tests.local_cloud.conformance.marks import differs
from tests.local_cloud.conformance.queue_helpers import error_of, received

pytestmark = pytest.mark.deployed

# Everywhere


@differs(
    "All services",
    aws="An endpoint is encrypted with TLS, and has a name for each service and region.",
    here="There is one address on 127.0.0.1, over plain HTTP.",
    why="Nothing leaves the machine. One test of the workshop runs behind TLS.",
)
def test_an_endpoint_is_plain_http_on_loopback(lab):
    assert lab.endpoint_url.startswith("http://127.0.0.1:")


@differs(
    "All services",
    aws="A region that does not exist has no endpoint.",
    here="Every name of a region is served.",
    why="There is one address for all of them.",
)
def test_a_region_that_does_not_exist_is_served(lab):
    session = boto3.Session("test", "test", region_name="mars-north-1")
    events = session.client("events", endpoint_url=lab.endpoint_url)
    assert events.list_event_buses()["EventBuses"]


@differs(
    "All services",
    aws="A signature is verified before anything else of a request.",
    here="A request that its service's model does not allow is refused for that reason first.",
    why="MiniStack verifies the signature, and requests are validated before they reach it.",
)
def test_a_request_is_validated_before_its_signature(lab):
    request = raw_requests.signed(
        "dynamodb",
        f"{lab.endpoint_url}/",
        '{"Limit": 1000}',
        target="DynamoDB_20120810.ListTables",
        credentials=Credentials("test", "wrong"),
    )
    assert raw_requests.send(request)[:2] == (400, "ValidationException")


@differs(
    "IAM",
    aws="Whoever works in an account has the permissions of a user or a role.",
    here="Whoever uses the key of `make env` is the account's root user, and may do everything.",
    why="A learner needs no setup. Functions have the permissions of their own roles only.",
)
def test_the_accounts_key_is_its_root_user(lab):
    assert lab.sts.get_caller_identity()["Arn"].endswith(":root")


# HTTP API


@differs(
    "HTTP API",
    aws="Requests beyond a stage's rate and burst are answered with 429.",
    here="They are all served.",
    why="The workshop's limit of 100 a second is far above what a laptop can do.",
)
def test_an_api_does_not_throttle(lab):
    api = http_api(lab, lab.function("return {'statusCode': 200}").arn)
    slow = {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.1}
    lab.client("apigatewayv2").update_stage(
        ApiId=api.api_id, StageName="$default", DefaultRouteSettings=slow
    )
    assert [api.send(path="/x").status_code for _ in range(4)] == [200] * 4


# DynamoDB


@differs(
    "DynamoDB",
    aws="Writes beyond a table's capacity, or 1,000 units a second on one key, are throttled.",
    here="Nothing is throttled.",
    why="The time that a request takes on a laptop says nothing about AWS's capacity.",
)
def test_a_table_takes_more_than_its_capacity(lab):
    dynamodb, table = lab.client("dynamodb"), lab.name("table")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    items = [{"id": {"S": str(number)}, "text": {"S": "x" * 20_000}} for number in range(25)]
    writes = {table: [{"PutRequest": {"Item": item}} for item in items]}  # 500 units
    assert dynamodb.batch_write_item(RequestItems=writes)["UnprocessedItems"] == {}


@differs(
    "DynamoDB",
    aws="A global secondary index follows its table a moment later.",
    here="It is never late.",
    why="MiniStack reads an index from the table.",
)
def test_an_index_is_never_late(lab):
    dynamodb, table = lab.client("dynamodb"), lab.name("table")
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("id", "at")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-at",
                "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    item = {"id": {"S": "1"}, "at": {"S": "now"}}
    query = {"KeyConditionExpression": "#at = :at", "ExpressionAttributeNames": {"#at": "at"}}
    for _ in range(20):
        dynamodb.put_item(TableName=table, Item=item)
        found = dynamodb.query(
            TableName=table,
            IndexName="by-at",
            ExpressionAttributeValues={":at": item["at"]},
            **query,
        )
        assert found["Items"] == [item]
        dynamodb.delete_item(TableName=table, Key={"id": item["id"]})


# SQS


@differs(
    "SQS",
    aws="CreateQueue refuses the name of a queue that was deleted less than 60 seconds ago.",
    here="It is accepted.",
    why="make down and make up would have to wait.",
)
def test_a_deleted_queue_can_be_created_at_once(lab):
    name = lab.name("queue")
    lab.sqs.delete_queue(QueueUrl=lab.sqs.create_queue(QueueName=name)["QueueUrl"])
    assert lab.sqs.create_queue(QueueName=name)["QueueUrl"]


@differs(
    "SQS",
    aws="DeleteMessage with an older receipt handle may delete the message.",
    here="It never does.",
    why="AWS promises neither, so a program may rely on neither.",
)
def test_an_older_receipt_handle_deletes_nothing(lab):
    queue = lab.queue()
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="x")
    older = received(lab, queue.url, VisibilityTimeout=0)["ReceiptHandle"]
    received(lab, queue.url, VisibilityTimeout=0)
    lab.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=older)
    assert received(lab, queue.url)


# S3, SNS, CloudWatch, Scheduler, X-Ray


@differs(
    "S3",
    aws="A region that does not exist is refused as the place of a bucket.",
    here="It is accepted: what MiniStack does not check in a request's body, nobody checks.",
    why="S3's model, by which requests are validated, has no lengths and patterns.",
)
def test_a_buckets_region_is_not_checked(lab):
    created = lab.client("s3").create_bucket(
        Bucket=lab.name("bucket"), CreateBucketConfiguration={"LocationConstraint": "mars-1"}
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 200


@differs(
    "SNS",
    aws="A subscription by e-mail is pending until its owner opens the link in the mail.",
    here="It is confirmed at once, and no mail is sent.",
    why="The local cloud sends nothing out of the machine.",
)
def test_a_subscription_by_mail_is_confirmed_at_once(lab):
    sns = lab.client("sns")
    topic = sns.create_topic(Name=lab.name("topic"))["TopicArn"]
    mail = {"TopicArn": topic, "Protocol": "email", "Endpoint": "you@example.org"}
    arn = sns.subscribe(**mail, ReturnSubscriptionArn=True)["SubscriptionArn"]
    subscription = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert subscription["PendingConfirmation"] == "false"


@differs(
    "CloudWatch",
    aws="An alarm can watch metric math, a percentile or an anomaly.",
    here="It watches a statistic of one metric, against a fixed threshold.",
    why="The workshop does not depend on it.",
)
def test_an_alarm_ignores_metric_math(lab):
    name, metric = lab.name("alarm"), {"Namespace": "lab", "MetricName": "any"}
    queries = [
        {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}},
        {"Id": "b", "Expression": "a * 2", "ReturnData": True},
    ]
    lab.cloudwatch.put_metric_alarm(
        AlarmName=name,
        Metrics=queries,
        Threshold=1,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    [alarm] = lab.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert "Metrics" not in alarm


@differs(
    "EventBridge Scheduler",
    aws="A schedule with a flexible time window is invoked at any time within it.",
    here="It is invoked at the window's start.",
    why="Both are within the window, and a learner waits less.",
)
def test_a_flexible_schedule_is_invoked_at_the_windows_start(lab):
    function = lab.function()
    lab.client("scheduler").create_schedule(
        Name=lab.name("schedule"),
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30},
        Target={"Arn": function.arn, "RoleArn": lab.role(EVERYTHING)},
    )
    assert lab.eventually(function.calls)


@differs(
    "X-Ray",
    aws="X-Ray stores the traces of functions with active tracing.",
    here="There is no X-Ray: a request is refused, and no function is traced.",
    why="The workshop follows an order by its logs.",
)
def test_there_is_no_xray(lab):
    xray = lab.client("xray")
    assert error_of(xray.put_trace_segments, TraceSegmentDocuments=["{}"])[0]
