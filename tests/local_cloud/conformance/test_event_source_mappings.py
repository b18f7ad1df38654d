"""Queues in front of functions: which mappings AWS refuses, and how messages are delivered."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.conformance.marks import LOCALSTACK, differs, documented
from tests.local_cloud.conformance.refusals import refusal

pytestmark = pytest.mark.deployed

CONFIGURE = "Lambda Developer Guide, Creating and configuring an Amazon SQS event source mapping"
ERRORS = "Lambda Developer Guide, Handling errors for an SQS event source in Lambda"
SCALING = "Lambda Developer Guide, Configuring scaling behavior for SQS event source mappings"
DEAD_LETTERS = "SQS Developer Guide, Using dead-letter queues in Amazon SQS"

FAIL_POISON = """
failed = [each["messageId"] for each in event["Records"] if each["body"] == "poison"]
return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
"""


def queue_of(lab, *, visibility=30, receives=None):
    """Create a queue; with `receives` also its dead-letter queue."""
    queue, dead = lab.queue(), lab.queue()
    attributes = {"VisibilityTimeout": str(visibility)}
    if receives:
        policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": receives}
        attributes["RedrivePolicy"] = json.dumps(policy)
    lab.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes=attributes)
    return queue, dead


def mapped(lab, queue, function, **settings):
    """Create a mapping, with partial batches unless the settings say otherwise."""
    return lab.awslambda.create_event_source_mapping(
        EventSourceArn=queue.arn,
        FunctionName=function.arn,
        **{"FunctionResponseTypes": ["ReportBatchItemFailures"], **settings},
    )


def send(lab, queue, *bodies):
    for body in bodies:
        lab.sqs.send_message(QueueUrl=queue.url, MessageBody=body)


def received(function):
    """Return how often the function got each body."""
    bodies = [each["body"] for call in function.calls() for each in call["event"]["Records"]]
    return {body: bodies.count(body) for body in bodies}


def left(lab, queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = lab.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


@documented(
    "Lambda",
    "A mapping of a queue that cannot work is refused: too short a visibility timeout, a large "
    "batch without a batch window, no such queue, a role without permission.",
    CONFIGURE,
    ministack="accepts it",
)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("timeout", "Queue visibility timeout: 19 seconds is less than Function timeout: 20"),
        ("batch", "Maximum batch window in seconds must be greater than 0"),
        ("queue", "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService"),
        ("role", "The provided execution role does not have permissions to call ReceiveMessage"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(lab, wrong, message):
    queue, _ = queue_of(lab, visibility=19 if wrong == "timeout" else 30)
    function = lab.function(may=None) if wrong == "role" else lab.function()
    code, words = refusal(
        lab.awslambda.create_event_source_mapping,
        EventSourceArn=f"{queue.arn}-missing" if wrong == "queue" else queue.arn,
        FunctionName=function.name,
        BatchSize=11 if wrong == "batch" else 10,
    )
    assert code == "InvalidParameterValueException"
    assert words.startswith(message)


@documented(
    "Lambda",
    "A change of a mapping is checked as its creation.",
    CONFIGURE,
    ministack="accepts it",
)
def test_a_change_that_cannot_work_is_refused(lab):
    queue, _ = queue_of(lab)
    mapping = mapped(lab, queue, lab.function())
    code, _ = refusal(
        lab.awslambda.update_event_source_mapping, UUID=mapping["UUID"], BatchSize=100
    )
    assert code == "InvalidParameterValueException"


@documented(
    "Lambda",
    "A queue and a function have one mapping; a second one is refused with its UUID.",
    f"{LOCALSTACK}, TestSQSEventSourceMapping::test_duplicate_event_source_mappings",
    ministack="makes a second one",
)
def test_a_second_mapping_is_refused(lab):
    queue, _ = queue_of(lab)
    function = lab.function()
    first = mapped(lab, queue, function)
    code, words = refusal(
        lab.awslambda.create_event_source_mapping,
        EventSourceArn=queue.arn,
        FunctionName=function.name,
    )
    assert code == "ResourceConflictException"
    assert first["UUID"] in words


@documented(
    "Lambda",
    "The maximum concurrency of a mapping is 2 to 1,000.",
    SCALING,
)
@pytest.mark.parametrize("concurrency", [1, 1001])
def test_a_maximum_concurrency_outside_the_limits_is_refused(lab, concurrency):
    queue, _ = queue_of(lab)
    code, _ = refusal(
        lab.client("lambda", validates=False).create_event_source_mapping,
        EventSourceArn=queue.arn,
        FunctionName=lab.function().name,
        ScalingConfig={"MaximumConcurrency": concurrency},
    )
    assert code == "ValidationException"


@documented(
    "Lambda",
    "A new mapping is Creating, then Enabled.",
    "Lambda API Reference, CreateEventSourceMapping",
    ministack="is Enabled at once",
)
def test_a_new_mapping_is_enabled_after_a_moment(lab):
    queue, _ = queue_of(lab)
    mapping = mapped(lab, queue, lab.function())
    assert mapping["State"] == "Creating"

    def enabled():
        found = lab.awslambda.get_event_source_mapping(UUID=mapping["UUID"])
        return found["State"] == "Enabled"

    lab.eventually(enabled)


@documented(
    "Lambda",
    "Only the messages that a function reports return to the queue, until the dead-letter queue.",
    f"{ERRORS}; {DEAD_LETTERS}",
)
def test_only_a_reported_message_runs_again(lab):
    queue, dead = queue_of(lab, receives=3)
    function = lab.function(FAIL_POISON)
    mapped(lab, queue, function)
    send(lab, queue, "poison", *(f"order {number}" for number in range(9)))
    lab.settle()
    assert received(function) == {"poison": 3, **{f"order {number}": 1 for number in range(9)}}
    [message] = lab.messages(dead)
    assert message["Body"] == "poison"
    assert left(lab, queue) == 0


@documented(
    "Lambda",
    "A function's record of a message has its receive count and its queue.",
    "Lambda Developer Guide, Using Lambda with Amazon SQS",
)
def test_a_record_counts_the_receives(lab):
    queue, _ = queue_of(lab, receives=2)
    function = lab.function(FAIL_POISON)
    mapped(lab, queue, function)
    send(lab, queue, "poison")
    lab.settle()
    records = [call["event"]["Records"][0] for call in function.calls()]
    counts = [each["attributes"]["ApproximateReceiveCount"] for each in records]
    assert counts == ["1", "2"]
    assert {each["eventSourceARN"] for each in records} == {queue.arn}
    assert len({each["messageId"] for each in records}) == 1


@documented(
    "Lambda",
    "A response that is not as documented fails the whole batch.",
    ERRORS,
    ministack="deletes the messages",
)
def test_a_malformed_response_deletes_nothing(lab):
    queue, dead = queue_of(lab, receives=1)
    mapped(lab, queue, lab.function("return {'batchItemFailures': [{'messageId': 'wrong'}]}"))
    send(lab, queue, "one")
    lab.eventually(lambda: left(lab, dead) == 1)


@documented(
    "Lambda",
    "A function that raises or dies fails the whole batch.",
    ERRORS,
)
@pytest.mark.parametrize("body", ["raise ValueError", "os._exit(1)"], ids=["raises", "dies"])
def test_an_error_fails_the_whole_batch(lab, body):
    queue, dead = queue_of(lab, receives=2)
    function = lab.function(body)
    mapped(lab, queue, function)
    send(lab, queue, "one", "two")
    lab.settle()
    assert received(function) == {"one": 2, "two": 2}
    assert left(lab, dead) == 2


@documented(
    "Lambda",
    "A function gets no message if its role may not receive from the queue.",
    CONFIGURE,
    ministack="delivers it",
)
def test_a_role_without_permission_gets_no_message(lab):
    queue, _ = queue_of(lab)
    function = lab.function("return {}")
    role = lab.awslambda.get_function_configuration(FunctionName=function.name)["Role"]
    mapped(lab, queue, function)
    send(lab, queue, "before")
    lab.eventually(lambda: received(function) == {"before": 1})
    deny = {"Effect": "Deny", "Action": "sqs:ReceiveMessage", "Resource": queue.arn}
    lab.iam.put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="deny",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    send(lab, queue, "after")
    second, _ = queue_of(lab)
    witness = lab.function("return {}")
    mapped(lab, second, witness)
    send(lab, second, "witness")
    lab.eventually(lambda: received(witness))
    assert received(function) == {"before": 1}
    lab.sqs.purge_queue(QueueUrl=queue.url)


@documented(
    "Lambda",
    "A mapping runs its function at most as often at once as its maximum concurrency.",
    SCALING,
)
def test_the_maximum_concurrency_limits_the_batches(lab):
    queue, _ = queue_of(lab)
    function = lab.function("time.sleep(0.5); return {'pid': os.getpid()}")
    mapped(lab, queue, function, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    send(lab, queue, *map(str, range(8)))
    lab.settle()
    assert len(received(function)) == 8
    assert len({call["pid"] for call in function.calls()}) == 2


@documented(
    "Lambda",
    "A throttled batch is retried, and its messages return to the queue when their time is over.",
    ERRORS,
    ministack="waits a second, and retries nothing",
)
def test_throttled_messages_end_in_the_dead_letter_queue(lab):
    queue, dead = queue_of(lab, receives=1)
    function = lab.function()
    lab.awslambda.put_function_concurrency(
        FunctionName=function.name, ReservedConcurrentExecutions=0
    )
    mapped(lab, queue, function)
    send(lab, queue, "one")
    lab.eventually(lambda: left(lab, dead) == 1)
    assert function.calls() == []


@documented(
    "Lambda",
    "A disabled mapping leaves the messages in the queue; enabled again, it delivers them.",
    "Lambda API Reference, UpdateEventSourceMapping",
)
def test_a_disabled_mapping_delivers_nothing(lab):
    queue, _ = queue_of(lab)
    function = lab.function("return {}")
    mapping = mapped(lab, queue, function, Enabled=False)
    send(lab, queue, "one")
    lab.settle()
    assert (received(function), left(lab, queue)) == ({}, 1)
    lab.awslambda.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    lab.eventually(lambda: left(lab, queue) == 0)
    assert received(function) == {"one": 1}


@documented(
    "Lambda",
    "The key lambda:FunctionArn limits the mappings that a role may create, change and delete.",
    "Service Authorization Reference, AWS Lambda",
    ministack="does not know the key",
)
def test_a_role_changes_only_mappings_of_its_functions(lab):
    own, other = lab.function(), lab.function()
    may = {
        "Effect": "Allow",
        "Action": ["lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping"],
        "Resource": "*",
        "Condition": {"ArnLike": {"lambda:FunctionArn": own.arn}},
    }
    client = lab.as_role(lab.role([may]), "lambda")
    queue, _ = queue_of(lab)
    foreign = mapped(lab, queue, other)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName=other.name)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_event_source_mapping(UUID=foreign["UUID"])
    mapping = client.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName=own.name)
    client.delete_event_source_mapping(UUID=mapping["UUID"])


@differs(
    "Lambda",
    aws="A message that failed is visible again after the queue's visibility timeout.",
    here="A minute of what is left of this time lasts one second, if a function received it.",
    why="A lesson about failures should not take an hour. A function's own time is not scaled.",
)
def test_the_rest_of_a_visibility_timeout_is_scaled(lab):
    queue, dead = queue_of(lab, visibility=600, receives=2)
    function = lab.function("raise ValueError")
    mapped(lab, queue, function)
    send(lab, queue, "one")
    lab.eventually(lambda: len(function.calls()) == 1)
    assert lab.control.status().buffered == 1
    assert not lab.control.status().idle  # it waits for its visibility timeout
    lab.settle()
    assert left(lab, dead) == 1


@differs(
    "Lambda",
    aws="The messages of a FIFO queue run in parallel, one batch per message group.",
    here="One batch of a FIFO queue runs at a time.",
    why="The workshop uses no FIFO queue.",
)
def test_a_fifo_queue_has_one_batch_at_a_time(lab):
    name = f"{lab.name('queue')}.fifo"
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = lab.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = lab.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    function = lab.function("time.sleep(0.2); return {}")
    lab.awslambda.create_event_source_mapping(
        EventSourceArn=arn["QueueArn"], FunctionName=function.name, BatchSize=1
    )
    for group in "abc":
        lab.sqs.send_message(QueueUrl=url, MessageBody=group, MessageGroupId=group)
    lab.settle()
    assert received(function) == {"a": 1, "b": 1, "c": 1}
    assert len({call["pid"] for call in function.calls()}) == 1
