"""SQS: queues, their attributes, and the redrive of dead-letter queues."""

import json

import pytest

from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded
from tests.local_cloud.conformance.queue_helpers import API, SNAPSHOT, arn_of, error_of, fifo

pytestmark = pytest.mark.deployed

TASKS = LOCALSTACK + ", test_sqs_move_task.snapshot.json :: {}"


@pytest.fixture
def pair(lab):
    """A queue and its dead-letter queue."""
    queue, dead = lab.queue(), lab.queue()
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1})
    lab.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"RedrivePolicy": policy})
    return queue, dead


def die(lab, queue, dead, count):
    """Let messages reach the dead-letter queue."""
    for number in range(count):
        lab.sqs.send_message(QueueUrl=queue.url, MessageBody=str(number))

    def moved():
        lab.sqs.receive_message(QueueUrl=queue.url, VisibilityTimeout=0, MaxNumberOfMessages=10)
        shown = lab.sqs.get_queue_attributes(QueueUrl=dead.url, AttributeNames=["All"])
        return int(shown["Attributes"]["ApproximateNumberOfMessages"]) == count

    lab.eventually(moved)


# Queues


def made(lab, suffix="", **attributes):
    """AWS's code about a queue that a request would make."""
    name = f"{lab.name('queue')}{suffix}"
    return error_of(lab.sqs.create_queue, QueueName=name, Attributes=attributes)[0]


@pytest.mark.parametrize(
    "attribute",
    ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"],
)
@recorded(
    "SQS",
    "CreateQueue refuses a FIFO queue's attributes for a standard queue.",
    SNAPSHOT.format("test_create_standard_queue_with_fifo_attribute_raises_error"),
    ministack="makes the queue, or gives another code",
)
def test_a_standard_queue_has_no_fifo_attribute(lab, attribute):
    assert made(lab, **{attribute: "true"}) == "InvalidAttributeName"


@pytest.mark.parametrize(
    ("suffix", "attributes", "code"),
    [
        ("", {"Unknown": "x"}, "InvalidAttributeName"),
        (".fifo", {}, "InvalidParameterValue"),
        (" x", {}, "InvalidParameterValue"),
        ("", {"RedriveAllowPolicy": "{}"}, "InvalidParameterValue"),
    ],
    ids=["attribute", "fifo", "blank", "policy"],
)
@documented(
    "SQS",
    "CreateQueue refuses unknown attributes, names outside the rules, and wrong policies.",
    API.format("CreateQueue"),
    ministack="makes the queue",
)
def test_a_wrong_queue_is_refused(lab, suffix, attributes, code):
    assert made(lab, suffix, **attributes) == code


@pytest.mark.parametrize(
    "permission",
    [
        {"redrivePermission": "denyAll"},
        {"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:1:other"]},
    ],
    ids=["none", "another"],
)
@documented(
    "SQS",
    "A dead-letter queue's RedriveAllowPolicy says which queues may use it.",
    "SQS Developer Guide, Dead-letter queues",
    ministack="does not read it",
)
def test_a_redrive_allow_policy_is_asked(lab, permission):
    queue, dead = lab.queue(), lab.queue()
    allow = {"RedriveAllowPolicy": json.dumps(permission)}
    lab.sqs.set_queue_attributes(QueueUrl=dead.url, Attributes=allow)
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 3})
    answer = error_of(
        lab.sqs.set_queue_attributes, QueueUrl=queue.url, Attributes={"RedrivePolicy": policy}
    )
    assert answer[0] == "InvalidParameterValue"


@documented(
    "SQS",
    "The dead-letter queue of a standard queue is a standard queue.",
    "SQS Developer Guide, Dead-letter queues",
    ministack="takes a FIFO queue",
)
def test_a_dead_letter_queue_has_its_sources_type(lab):
    policy = json.dumps({"deadLetterTargetArn": arn_of(lab, fifo(lab)), "maxReceiveCount": 3})
    answer = error_of(
        lab.sqs.set_queue_attributes,
        QueueUrl=lab.queue().url,
        Attributes={"RedrivePolicy": policy},
    )
    assert answer[0] == "InvalidParameterValue"


# Redrive


@recorded(
    "SQS",
    "StartMessageMoveTask refuses a queue that is no dead-letter queue of a queue.",
    TASKS.format("test_source_needs_redrive_policy"),
    ministack="does not know the action",
)
def test_only_a_queues_dead_letter_queue_can_be_moved(lab):
    answer = error_of(lab.sqs.start_message_move_task, SourceArn=lab.queue().arn)
    text = "Source queue must be configured as a Dead Letter Queue."
    assert answer == ("InvalidParameterValue", text)


@pytest.mark.parametrize("to_another", [False, True], ids=["source", "another"])
@recorded(
    "SQS",
    "StartMessageMoveTask moves messages to their source, or to another queue.",
    TASKS.format("test_basic_move_task_workflow, …_with_default_destination"),
    ministack="does not know the action",
)
def test_dead_letters_are_moved(lab, pair, to_another):
    queue, dead = pair
    die(lab, queue, dead, 2)
    other = lab.queue()
    destination = {"DestinationArn": other.arn} if to_another else {}
    lab.sqs.start_message_move_task(SourceArn=dead.arn, **destination)

    def completed():
        task = lab.sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"][0]
        return task if task["Status"] == "COMPLETED" else None

    task = lab.eventually(completed)
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert task["ApproximateNumberOfMessagesToMove"] == 2
    assert ("DestinationArn" in task) is to_another
    assert "TaskHandle" not in task
    arrived = lab.messages(other if to_another else queue)
    assert sorted(each["Body"] for each in arrived) == ["0", "1"]


@recorded(
    "SQS",
    "A running task can be cancelled, and is alone for its source.",
    TASKS.format("test_move_task_cancel, test_start_multiple_move_tasks"),
    ministack="does not know the action",
)
def test_a_running_move_can_be_cancelled(lab, pair):
    queue, dead = pair
    die(lab, queue, dead, 3)
    start = {"SourceArn": dead.arn, "MaxNumberOfMessagesPerSecond": 1}
    handle = lab.sqs.start_message_move_task(**start)["TaskHandle"]
    assert "already a task running" in error_of(lab.sqs.start_message_move_task, **start)[1]
    cancelled = lab.sqs.cancel_message_move_task(TaskHandle=handle)
    assert cancelled["ApproximateNumberOfMessagesMoved"] < 3
    shown = lab.sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"]
    assert [task["Status"] for task in shown] == ["CANCELLED"]
    again = error_of(lab.sqs.cancel_message_move_task, TaskHandle=handle)
    assert again == ("ResourceNotFoundException", "Task does not exist.")


@recorded(
    "SQS",
    "A task handle that AWS did not give is refused.",
    TASKS.format("test_cancel_with_invalid_task_handle"),
    ministack="does not know the action",
)
def test_a_wrong_task_handle_is_refused(lab):
    answer = error_of(lab.sqs.cancel_message_move_task, TaskHandle="foobared")
    assert answer == ("InvalidParameterValue", "Value for parameter TaskHandle is invalid.")


@documented(
    "SQS",
    "ListDeadLetterSourceQueues lists the queues of a dead-letter queue.",
    API.format("ListDeadLetterSourceQueues"),
    ministack="does not know the action",
)
def test_the_sources_of_a_dead_letter_queue_are_listed(lab, pair):
    queue, dead = pair
    listed = lab.sqs.list_dead_letter_source_queues(QueueUrl=dead.url)["queueUrls"]
    assert listed == [queue.url]
    assert lab.sqs.list_dead_letter_source_queues(QueueUrl=queue.url)["queueUrls"] == []
