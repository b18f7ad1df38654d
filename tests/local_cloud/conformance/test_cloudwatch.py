"""CloudWatch: metrics that services and log lines bring, and alarms on them."""

import json
import time
from datetime import UTC, datetime, timedelta

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import urllib3

from tests.local_cloud.cloud_builder import ACCOUNT_ID, REGION
from tests.local_cloud.conformance.marks import documented

pytestmark = pytest.mark.deployed

GUIDE = "CloudWatch User Guide"
EMBEDDED = f"{GUIDE}, Specification: Embedded metric format"
SQS_METRICS = "SQS Developer Guide, Available CloudWatch metrics"
LAMBDA_METRICS = "Lambda Developer Guide, Types of metrics for Lambda functions"
EVENTS_METRICS = "EventBridge User Guide, EventBridge metrics"


def measured(lab, namespace, metric, statistic="Sum", **dimensions):
    """Return a metric's statistic over the last hour; None if there is no data."""
    now = datetime.now(UTC)
    found = lab.cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=[statistic],
    )["Datapoints"]
    return max((point[statistic] for point in found), default=None)


def alarm(lab, namespace, metric, dimensions, **changes):
    """Make an alarm for any value above 0; return its name."""
    name = lab.name("alarm")
    lab.cloudwatch.put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            **changes,
        }
    )
    return name


def state(lab, name):
    [found] = lab.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found["StateValue"]


@documented(
    "CloudWatch",
    "A function's log line in the embedded metric format is a metric.",
    EMBEDDED,
    ministack="is a log line only",
)
def test_a_log_line_is_a_metric(lab):
    namespace = lab.name("shop")
    envelope = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [
            {"Namespace": namespace, "Dimensions": [["service"]], "Metrics": [{"Name": "stuck"}]}
        ],
    }
    line = json.dumps({"_aws": envelope, "service": "reconciler", "stuck": 3})
    function = lab.function(f"print({line!r})")
    lab.awslambda.invoke(FunctionName=function.name)
    assert lab.eventually(
        lambda: measured(lab, namespace, "stuck", "Maximum", service="reconciler") == 3
    )
    assert measured(lab, namespace, "stuck", "Maximum", service="another") is None


@documented(
    "CloudWatch",
    "SQS measures how many messages are visible, and how old the oldest is.",
    SQS_METRICS,
    ministack="measures neither",
)
def test_a_queue_is_measured(lab):
    queue = lab.queue()
    name = {"QueueName": queue.arn.rpartition(":")[2]}
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="one")
    visible, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
    assert lab.eventually(lambda: measured(lab, "AWS/SQS", visible, "Maximum", **name) == 1)
    assert lab.eventually(lambda: (measured(lab, "AWS/SQS", age, "Maximum", **name) or 0) > 0)


@documented(
    "CloudWatch",
    "Lambda counts an asynchronous event once, and each of its tries.",
    LAMBDA_METRICS,
    ministack="counts neither the event nor its retries",
)
def test_an_asynchronous_event_is_counted(lab):
    function = lab.function("raise RuntimeError('no')", retries=1)
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event")
    lab.settle()
    metrics = ("AsyncEventsReceived", "Invocations", "Errors", "AsyncEventsDropped")
    found = [measured(lab, "AWS/Lambda", each, FunctionName=function.name) for each in metrics]
    assert found == [1, 2, 2, 1]
    age = measured(lab, "AWS/Lambda", "AsyncEventAge", "Maximum", FunctionName=function.name)
    assert age >= 60_000, "the second try is a minute later"


@documented(
    "CloudWatch",
    "Lambda counts a throttle, and does not count it as an invocation.",
    LAMBDA_METRICS,
    ministack="counts it twice, and as an invocation",
)
def test_a_throttle_is_no_invocation(lab):
    function = lab.function()
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )
    with pytest.raises(lab.awslambda.exceptions.TooManyRequestsException):
        lab.awslambda.invoke(FunctionName=function.name)
    metrics = ("Throttles", "Invocations")
    found = [measured(lab, "AWS/Lambda", each, FunctionName=function.name) for each in metrics]
    assert found == [1, None]


@documented(
    "CloudWatch",
    "EventBridge counts matches, invocations and failures by rule and bus.",
    EVENTS_METRICS,
    ministack="counts nothing",
)
def test_a_rule_is_counted(lab):
    bus = lab.bus()
    rule, rule_arn = lab.empty_rule(bus)
    lab.point(bus, rule, rule_arn, lab.queue().arn, permitted=False)
    lab.publish(bus, 2)
    lab.settle()
    metrics = ("MatchedEvents", "TriggeredRules", "Invocations", "FailedInvocations")
    of_rule = {"RuleName": rule, "EventBusName": bus}
    assert [measured(lab, "AWS/Events", each, **of_rule) for each in metrics] == [2, 2, 2, 2]


@documented(
    "CloudWatch",
    "An alarm watches the service's own metric, and its own dimensions only.",
    f"{GUIDE}, Using CloudWatch alarms",
    ministack="never changes to ALARM",
)
def test_an_alarm_rings_for_its_own_queue(lab):
    queues = [lab.queue(), lab.queue()]
    names = [{"QueueName": queue.arn.rpartition(":")[2]} for queue in queues]
    visible = ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    waiting, empty = (alarm(lab, *visible, name) for name in names)
    assert lab.eventually(lambda: [state(lab, each) for each in (waiting, empty)] == ["OK"] * 2)
    lab.sqs.send_message(QueueUrl=queues[0].url, MessageBody="one")
    assert lab.eventually(lambda: state(lab, waiting) == "ALARM")
    assert state(lab, empty) == "OK"


@documented(
    "CloudWatch",
    "An alarm sends its state to a topic if the topic's policy allows it.",
    f"{GUIDE}, Notifying users on alarm changes; SNS Developer Guide, access policies",
    ministack="sends it to every topic",
)
def test_an_alarm_publishes_to_topics_that_allow_it(lab):
    sns = lab.client("sns")
    send = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    topics, queues = [], []
    for admitted in (True, False):
        topic = sns.create_topic(Name=lab.name("topic"))["TopicArn"]
        if admitted:
            publish = {
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
            }
            policy = {"Statement": [{"Effect": "Allow", "Resource": topic, **publish}]}
            sns.set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
            )
        queues.append(lab.queue(policy={"Effect": "Allow", "Resource": "*", **send}))
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues[-1].arn)
        topics.append(topic)
    metric = (lab.name("shop"), "stuck", {"service": "reconciler"})
    name = alarm(lab, *metric, AlarmActions=topics)
    data = {"MetricName": "stuck", "Value": 1}
    data["Dimensions"] = [{"Name": "service", "Value": "reconciler"}]
    lab.cloudwatch.put_metric_data(Namespace=metric[0], MetricData=[data])
    [message] = lab.eventually(lambda: lab.messages(queues[0]))
    notification = json.loads(json.loads(message["Body"])["Message"])
    assert (notification["AlarmName"], notification["NewStateValue"]) == (name, "ALARM")
    assert lab.messages(queues[1]) == []


@documented(
    "CloudWatch",
    "A response of the query protocol describes the whole alarm.",
    "CloudWatch API Reference, MetricAlarm",
    ministack="leaves out dimensions, statistic, period, actions and more",
)
def test_the_query_protocol_describes_a_whole_alarm(lab):
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:any"
    actions = {each: [topic] for each in ("OKActions", "AlarmActions", "InsufficientDataActions")}
    settings = {
        "AlarmDescription": 'Events < 5 & "late"',
        "TreatMissingData": "breaching",
        "Period": 300,
        **actions,
    }
    name = alarm(lab, "AWS/SQS", "any", {"QueueName": "a", "Other": "b"}, **settings)
    answer = query(lab, f"Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1={name}")
    for part in (
        "<AlarmDescription>Events &lt; 5 &amp; ",
        "<member><Name>QueueName</Name><Value>a</Value></member>",
        "<member><Name>Other</Name><Value>b</Value></member>",
        "<Statistic>Maximum</Statistic>",
        "<Period>300</Period>",
        "<TreatMissingData>breaching</TreatMissingData>",
        "<ActionsEnabled>true</ActionsEnabled>",
        *(f"<{each}><member>{topic}</member></{each}>" for each in actions),
    ):
        assert part in answer, answer


def query(lab, body):
    """Send a signed request of the query protocol, as Terraform does; return the answer."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = botocore.awsrequest.AWSRequest("POST", f"{lab.endpoint_url}/", headers, body)
    credentials = botocore.credentials.Credentials("test", "test")
    botocore.auth.SigV4Auth(credentials, "monitoring", REGION).add_auth(request)
    signed = dict(request.headers.items())
    response = urllib3.request("POST", request.url, body=body, headers=signed)
    return response.data.decode()
