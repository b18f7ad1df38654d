"""SQS: messages, batches and receipt handles."""

import pytest

from tests.local_cloud.conformance.marks import documented, recorded
from tests.local_cloud.conformance.queue_helpers import API, SNAPSHOT, error_of, fifo, received

pytestmark = pytest.mark.deployed

TEXT = {"DataType": "String", "StringValue": "x"}


# Receipt handles


@recorded(
    "SQS",
    "DeleteMessage of a deleted message succeeds.",
    SNAPSHOT.format("test_delete_message_with_deleted_receipt_handle"),
    ministack="ReceiptHandleIsInvalid",
)
def test_a_deleted_message_can_be_deleted_again(lab):
    queue = lab.queue()
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="x")
    receipt = received(lab, queue.url)["ReceiptHandle"]
    for _ in range(2):
        assert error_of(lab.sqs.delete_message, QueueUrl=queue.url, ReceiptHandle=receipt)[0] == ""


@documented(
    "SQS",
    "DeleteMessage with an older receipt handle succeeds, but may leave the message.",
    API.format("DeleteMessage"),
    ministack="ReceiptHandleIsInvalid",
)
def test_an_older_receipt_handle_is_accepted(lab):
    queue = lab.queue()
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="x")
    older = received(lab, queue.url, VisibilityTimeout=0)["ReceiptHandle"]
    latest = received(lab, queue.url)["ReceiptHandle"]
    assert older != latest
    entries = [{"Id": "a", "ReceiptHandle": older}, {"Id": "b", "ReceiptHandle": latest}]
    answer = lab.sqs.delete_message_batch(QueueUrl=queue.url, Entries=entries)
    assert [each["Id"] for each in answer["Successful"]] == ["a", "b"]


@documented(
    "SQS",
    "A receipt handle that the queue did not give is refused.",
    API.format("DeleteMessage"),
)
def test_a_foreign_receipt_handle_is_refused(lab):
    one, two = lab.queue(), lab.queue()
    lab.sqs.send_message(QueueUrl=one.url, MessageBody="x")
    for receipt in ("nonsense", received(lab, one.url)["ReceiptHandle"]):
        code, _ = error_of(lab.sqs.delete_message, QueueUrl=two.url, ReceiptHandle=receipt)
        assert code == "ReceiptHandleIsInvalid"


@recorded(
    "SQS",
    "A FIFO queue refuses to delete a message after its visibility timeout.",
    SNAPSHOT.format("test_fifo_delete_after_visibility_timeout"),
    ministack="deletes it",
)
def test_a_fifo_queue_deletes_within_the_visibility_timeout_only(lab):
    url = fifo(lab)
    lab.sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g")
    receipt = received(lab, url, VisibilityTimeout=0)["ReceiptHandle"]
    code, message = error_of(lab.sqs.delete_message, QueueUrl=url, ReceiptHandle=receipt)
    assert code == "InvalidParameterValue"
    assert message.endswith("Reason: The receipt handle has expired.")


@documented(
    "SQS",
    "ChangeMessageVisibility of a deleted message is refused as not available.",
    API.format("ChangeMessageVisibility"),
    ministack="ReceiptHandleIsInvalid",
)
def test_a_deleted_messages_visibility_cannot_change(lab):
    queue = lab.queue()
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="x")
    receipt = received(lab, queue.url)["ReceiptHandle"]
    lab.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=receipt)
    code, message = error_of(
        lab.sqs.change_message_visibility,
        QueueUrl=queue.url,
        ReceiptHandle=receipt,
        VisibilityTimeout=1,
    )
    assert code == "InvalidParameterValue"
    assert "not available for visibility timeout change" in message


# Messages and batches


RECORDED = [
    ({"MessageGroupId": "g 1"}, "1 to 128 in length."),
    ({"MessageGroupId": "g" * 129}, "1 to 128 in length."),
    (
        {"MessageAttributes": {"Empty": {"DataType": "String", "StringValue": ""}}},
        "Message (user) attribute 'Empty' must contain a non-empty value of type 'String'.",
    ),
    (
        {"MessageAttributes": {"large": {"DataType": "String", "StringValue": "x" * 1_048_570}}},
        "Reason: Message must be shorter than 1048576 bytes.",
    ),
]
DOCUMENTED = [
    {"DelaySeconds": 901},
    {"MessageDeduplicationId": "d"},
    {"MessageAttributes": {"Price": {"DataType": "Number", "StringValue": "x"}}},
    {"MessageAttributes": {"Odd": {"DataType": "Text", "StringValue": "x"}}},
    {"MessageAttributes": {"AWS.x": TEXT}},
    {"MessageAttributes": {f"a{number}": TEXT for number in range(11)}},
]


def sent(lab, **request):
    """AWS's code and message about a message."""
    client = lab.client("sqs", validates=False)
    return error_of(client.send_message, QueueUrl=lab.queue().url, MessageBody="body", **request)


@pytest.mark.parametrize(
    ("request_", "text"), RECORDED, ids=["blank", "long-group", "empty-attribute", "large"]
)
@recorded(
    "SQS",
    "SendMessage refuses group ids, empty attributes and sizes outside AWS's limits.",
    SNAPSHOT.format("test_send_message_with_empty_string_attribute, test_send_oversized_message …"),
    ministack="takes it",
)
def test_a_message_outside_the_limits_is_refused(lab, request_, text):
    code, message = sent(lab, **request_)
    assert code == "InvalidParameterValue"
    assert text in message


@pytest.mark.parametrize(
    "request_", DOCUMENTED, ids=["delay", "deduplication", "number", "type", "prefix", "eleven"]
)
@documented(
    "SQS",
    "SendMessage refuses delays above 15 minutes, and attributes with wrong types or names.",
    API.format("SendMessage"),
    ministack="takes it",
)
def test_a_message_against_the_rules_is_refused(lab, request_):
    assert sent(lab, **request_)[0] == "InvalidParameterValue"


@documented(
    "SQS",
    "A message may contain XML's characters only.",
    API.format("SendMessage"),
)
def test_a_control_character_is_refused(lab):
    answer = error_of(lab.sqs.send_message, QueueUrl=lab.queue().url, MessageBody="a\x0bb")
    assert answer[0] == "InvalidMessageContents"


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
        (
            [{"Id": "a", "MessageBody": "x"}] * 2,
            "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        ),
        ([{"Id": "a:b", "MessageBody": "x"}], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        ([{"Id": "a" * 81, "MessageBody": "x"}], "AWS.SimpleQueueService.InvalidBatchEntryId"),
        (
            [{"Id": each, "MessageBody": "x" * 524_289} for each in "ab"],
            "AWS.SimpleQueueService.BatchRequestTooLong",
        ),
    ],
    ids=["empty", "repeated", "colon", "long-id", "long"],
)
@recorded(
    "SQS",
    "A batch that is empty, too long, or has wrong or repeated ids is refused as a whole.",
    SNAPSHOT.format("test_invalid_batch_id, test_send_message_batch_with_oversized_contents …"),
)
def test_a_wrong_batch_is_refused(lab, entries, code):
    answer = error_of(lab.sqs.send_message_batch, QueueUrl=lab.queue().url, Entries=entries)
    assert answer[0] == code


@recorded(
    "SQS",
    "A batch of more than ten entries is refused with both numbers.",
    SNAPSHOT.format("test_too_many_entries_in_batch_request"),
    ministack="has another message",
)
def test_a_batch_of_more_than_ten_is_refused(lab):
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(11)]
    answer = error_of(lab.sqs.send_message_batch, QueueUrl=lab.queue().url, Entries=entries)
    assert answer[0] == "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    assert answer[1] == "Maximum number of entries per request are 10. You have sent 11."


@recorded(
    "SQS",
    "A FIFO queue refuses a whole batch if an entry has no message group id.",
    SNAPSHOT.format("test_send_batch_missing_message_group_id_for_fifo_queue"),
    ministack="refuses the entry",
)
def test_a_fifo_batch_without_a_group_is_refused(lab):
    entries = [{"Id": "a", "MessageBody": "x"}]
    answer = error_of(lab.sqs.send_message_batch, QueueUrl=fifo(lab), Entries=entries)
    text = "The request must contain the parameter MessageGroupId."
    assert answer == ("InvalidParameterValue", text)


@pytest.mark.parametrize("seconds", [-1, 21])
@recorded(
    "SQS",
    "ReceiveMessage waits 20 seconds at most.",
    SNAPSHOT.format("test_send_receive_wait_time_seconds"),
    ministack="takes it",
)
def test_a_waiting_time_outside_the_limits_is_refused(lab, seconds):
    queue = lab.queue()
    if seconds > 0:  # so that nobody waits
        lab.sqs.send_message(QueueUrl=queue.url, MessageBody="x")
    answer = error_of(lab.sqs.receive_message, QueueUrl=queue.url, WaitTimeSeconds=seconds)
    assert answer[0] == "InvalidParameterValue"


@pytest.mark.parametrize("seconds", [-1, 43_201])
@documented(
    "SQS",
    "ReceiveMessage hides a message for 12 hours at most.",
    API.format("ReceiveMessage"),
    ministack="takes it",
)
def test_a_visibility_timeout_outside_the_limits_is_refused(lab, seconds):
    answer = error_of(lab.sqs.receive_message, QueueUrl=lab.queue().url, VisibilityTimeout=seconds)
    assert answer[0] == "InvalidParameterValue"
