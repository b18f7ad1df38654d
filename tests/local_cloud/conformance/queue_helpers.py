"""What the tests of queues share."""

from botocore.exceptions import ClientError

from tests.local_cloud.conformance.marks import LOCALSTACK

SNAPSHOT = LOCALSTACK + ", test_sqs.snapshot.json :: {}"
API = "SQS API reference, {}"


def error_of(call, **request):
    """AWS's code and message about a request; ("", "") if it succeeds."""
    try:
        call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return "", ""


def fifo(lab):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return lab.sqs.create_queue(QueueName=f"{lab.name('queue')}.fifo", Attributes=attributes)[
        "QueueUrl"
    ]


def arn_of(lab, url):
    return lab.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]


def received(lab, url, **request):
    """One message, when there is one."""

    def look():
        return lab.sqs.receive_message(QueueUrl=url, **request).get("Messages")

    return lab.eventually(look)[0]
