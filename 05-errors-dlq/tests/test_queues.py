"""The dead-letter queues: what every implementation of the port keeps to, and SQS's own matters."""

import threading

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from recovery.redrive.queues import (
    CONFIG,
    EXTENDED_VISIBILITY_SECONDS,
    RECEIVE_AT_MOST,
    VISIBILITY_TIMEOUT_SECONDS,
    Queue,
    SqsDeadLetterQueues,
    Waiting,
)

from orderflow.errors import AwsRequestError


def test_received_messages_are_invisible(dead_lettered):
    """Twenty-five messages of three queues: all taken, none left to be seen, none gone."""
    ids = {dead_lettered.failed(f"order-{n}") for n in range(21)}
    ids |= {dead_lettered.undelivered(f"order-{n}") for n in range(2)}
    ids |= {dead_lettered.failed(f"order-{n}", "inventory") for n in range(2)}
    assert {dead_letter.message_id for dead_letter in dead_lettered.queues.receive()} == ids
    assert dead_lettered.another_redrive().receive() == []
    assert dead_lettered.counts() == (0, 25)


def test_a_message_has_its_queue_and_its_time(dead_lettered):
    """Consumer and kind are the queue's, the time is the moment it was sent."""
    before = dead_lettered.time.now()
    dead_lettered.undelivered("order-1", "inventory")
    (dead_letter,) = dead_lettered.queues.receive()
    assert (dead_letter.consumer, dead_letter.queue) == ("inventory", "undelivered")
    assert abs((dead_letter.sent_at - before).total_seconds()) < 1
    assert dead_letter.attributes["ERROR_CODE"] == "NO_PERMISSIONS"


def test_a_released_message_is_visible_again(dead_lettered):
    """At once, and by anybody."""
    ids = sorted(dead_lettered.failed(f"order-{n}") for n in range(12))
    dead_lettered.queues.release(dead_lettered.queues.receive())
    assert dead_lettered.visible() == ids
    assert dead_lettered.counts() == (12, 0)


def test_a_message_is_visible_again_after_its_timeout(dead_lettered):
    """A redrive that was killed: its messages are seen again after two minutes."""
    message_id = dead_lettered.failed()
    dead_lettered.queues.receive()
    dead_lettered.time.sleep(VISIBILITY_TIMEOUT_SECONDS - 1)
    assert dead_lettered.another_redrive().receive() == []
    dead_lettered.time.sleep(2)
    assert dead_lettered.visible() == [message_id]


def test_an_extended_message_is_invisible_for_a_minute(dead_lettered):
    """From the moment it is held, however little was left of the time it was taken for."""
    message_id = dead_lettered.failed()
    (dead_letter,) = dead_lettered.queues.receive()
    dead_lettered.time.sleep(VISIBILITY_TIMEOUT_SECONDS - 1)
    assert dead_lettered.queues.extend_visibility(dead_letter)
    dead_lettered.time.sleep(EXTENDED_VISIBILITY_SECONDS - 1)
    assert dead_lettered.another_redrive().receive() == []
    dead_lettered.time.sleep(2)
    assert dead_lettered.visible() == [message_id]


def test_what_came_back_is_no_longer_held(dead_lettered):
    """Its time is over: whoever took it may not go on with it."""
    dead_lettered.failed()
    (dead_letter,) = dead_lettered.queues.receive()
    dead_lettered.time.sleep(VISIBILITY_TIMEOUT_SECONDS + 1)
    assert not dead_lettered.queues.extend_visibility(dead_letter)


def test_what_another_has_taken_is_theirs(dead_lettered):
    """Taken, come back, and taken by another: the first neither holds it nor puts it back."""
    dead_lettered.failed()
    (dead_letter,) = dead_lettered.queues.receive()
    dead_lettered.time.sleep(VISIBILITY_TIMEOUT_SECONDS + 1)
    other = dead_lettered.another_redrive()
    (theirs,) = other.receive()
    assert not dead_lettered.queues.extend_visibility(dead_letter)
    dead_lettered.queues.release([dead_letter])
    assert dead_lettered.counts() == (0, 1)
    assert other.extend_visibility(theirs)


def test_a_released_message_is_no_longer_ours(dead_lettered):
    """Released, then received by another: releasing it again changes nothing."""
    dead_lettered.failed()
    (dead_letter,) = dead_lettered.queues.receive()
    dead_lettered.queues.release([dead_letter])
    assert len(dead_lettered.another_redrive().receive()) == 1
    dead_lettered.queues.release([dead_letter])
    assert not dead_lettered.queues.extend_visibility(dead_letter)
    assert dead_lettered.counts() == (0, 1)


def test_a_deleted_message_is_gone(dead_lettered):
    """It alone; deleting it twice, or holding it, is no error."""
    first, second = dead_lettered.failed("order-1"), dead_lettered.failed("order-2")
    dead_letters = {
        dead_letter.message_id: dead_letter for dead_letter in dead_lettered.queues.receive()
    }
    dead_lettered.queues.delete(dead_letters[first])
    dead_lettered.queues.delete(dead_letters[first])
    assert not dead_lettered.queues.extend_visibility(dead_letters[first])
    dead_lettered.queues.release(dead_letters.values())
    assert dead_lettered.visible() == [second]


def test_waiting_counts_every_queue(dead_lettered):
    """Those that are empty too."""
    dead_lettered.failed("order-1")
    dead_lettered.queues.receive()
    dead_lettered.failed("order-2")
    assert dead_lettered.queues.waiting() == {
        ("payment", "undelivered"): Waiting(0, 0),
        ("payment", "failed"): Waiting(1, 1),
        ("inventory", "undelivered"): Waiting(0, 0),
        ("inventory", "failed"): Waiting(0, 0),
    }


GOOD, BAD = (Queue(name, "failed", f"https://{name}", f"orderflow-{name}") for name in ("a", "b"))


class OneBadQueue:
    """Stands for a boto3 client: one queue has messages, the other raises."""

    def __init__(self, error):
        self.error = error
        self.given = threading.Event()
        self.seen_again = []

    def receive_message(self, QueueUrl, **_):  # noqa: N803  (boto3's spelling)
        if QueueUrl == BAD.url:
            assert self.given.wait(5)
            raise self.error
        if self.given.is_set():
            return {}
        self.given.set()
        return {"Messages": [{"MessageId": "1", "ReceiptHandle": "receipt", "Body": "{}"}]}

    def change_message_visibility_batch(self, QueueUrl, Entries):  # noqa: N803
        self.seen_again += [
            (entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in Entries
        ]


def test_a_queue_that_cannot_be_read_is_named():
    """The error names the queue and AWS's code, not its text; what was received is released."""
    denied = {"Error": {"Code": "AccessDenied", "Message": "secret"}}
    client = OneBadQueue(ClientError(denied, "ReceiveMessage"))
    with pytest.raises(AwsRequestError, match=r"queue failed of b: .*AccessDenied") as caught:
        SqsDeadLetterQueues(client, [GOOD, BAD]).receive()
    assert "secret" not in str(caught.value)
    assert client.seen_again == [("receipt", 0)]


def test_an_interrupt_while_receiving_releases_what_was_received():
    """Ctrl-C in the middle of it: nothing stays invisible."""
    client = OneBadQueue(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        SqsDeadLetterQueues(client, [GOOD, BAD]).receive()
    assert client.seen_again == [("receipt", 0)]


class Endless:
    """Stands for a boto3 client of a queue that gets a new message whenever one is taken."""

    def __init__(self, clock):
        self.clock = clock
        self.taken = 0

    def receive_message(self, **_):
        self.taken += 1
        self.clock.sleep(0.1)
        body = {"MessageId": f"{self.taken}", "ReceiptHandle": f"r{self.taken}", "Body": "{}"}
        return {"Messages": [body]}


def test_taking_ends_while_new_messages_keep_coming(time_passes):
    """A round goes on with what it has when it has enough."""
    queues = SqsDeadLetterQueues(Endless(time_passes), [GOOD], clock=time_passes.monotonic)
    assert len(queues.receive()) == RECEIVE_AT_MOST


class Unreachable:
    """Stands for a boto3 client without a network, once a message was taken."""

    def __init__(self):
        self.messages = [{"MessageId": "1", "ReceiptHandle": "receipt", "Body": "{}"}]

    def receive_message(self, **_):
        taken, self.messages = self.messages, []
        return {"Messages": taken}

    def fail(self, **_):
        raise EndpointConnectionError(endpoint_url="https://secret")

    change_message_visibility = change_message_visibility_batch = fail
    delete_message = get_queue_attributes = fail


def test_without_a_network_the_release_is_left_to_sqs():
    """SQS makes it visible again, so the first error is the one that is reported."""
    queues = SqsDeadLetterQueues(Unreachable(), [GOOD])
    (dead_letter,) = queues.receive()
    for operation in (queues.extend_visibility, queues.delete, lambda _: queues.waiting()):
        with pytest.raises(AwsRequestError, match="queue failed of a: EndpointConnectionError"):
            operation(dead_letter)
    queues.release([dead_letter])


def test_a_request_that_hangs_ends_while_the_message_is_held():
    """Waiting for a consumer and for one hanging request take less than a message is held."""
    from recovery.redrive import consumers  # noqa: PLC0415

    assert CONFIG.read_timeout > 1, "a long poll takes a second"
    tries = CONFIG.retries["total_max_attempts"]
    hanging = tries * (CONFIG.connect_timeout + CONFIG.read_timeout)
    answer = consumers.CONFIG.connect_timeout + consumers.CONFIG.read_timeout
    assert answer + hanging < EXTENDED_VISIBILITY_SECONDS
    assert consumers.CONFIG.retries["total_max_attempts"] == 1
